import { predicate } from './support/elementwise.js';

export const LessOrEqual = predicate(
  'LessOrEqual',
  [12, 16],
  (tf, a, b) => tf.lessEqual(a, b),
  (a, b) => a <= b,
);
