import { predicate } from './support/elementwise.js';

export const Greater = predicate(
  'Greater',
  [7, 9, 13],
  (tf, a, b) => tf.greater(a, b),
  (a, b) => a > b,
);
