import { predicate } from './support/elementwise.js';

/** a or b = not (not a and not b): tfjs' LogicalOr is one kernel more than the engines need to have. */
export const Or = predicate(
  'Or',
  [7],
  (tf, a, b) => tf.logicalNot(tf.logicalAnd(tf.logicalNot(a), tf.logicalNot(b))),
  (a, b) => Boolean(a) || Boolean(b),
);
