import { predicate } from './support/elementwise.js';

export const Less = predicate(
  'Less',
  [7, 9, 13],
  (tf, a, b) => tf.less(a, b),
  (a, b) => a < b,
);
