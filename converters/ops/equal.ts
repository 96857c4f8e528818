import { predicate } from './support/elementwise.js';

export const Equal = predicate(
  'Equal',
  [7, 11, 13, 19],
  (tf, a, b) => tf.equal(a, b),
  (a, b) => a === b,
);
