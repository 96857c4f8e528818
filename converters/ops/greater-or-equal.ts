import { predicate } from './support/elementwise.js';

export const GreaterOrEqual = predicate(
  'GreaterOrEqual',
  [12, 16],
  (tf, a, b) => tf.greaterEqual(a, b),
  (a, b) => a >= b,
);
