import { predicate } from './support/elementwise.js';

export const And = predicate(
  'And',
  [7],
  (tf, a, b) => tf.logicalAnd(a, b),
  (a, b) => Boolean(a) && Boolean(b),
);
