import { unary } from './support/elementwise.js';

export const Neg = unary('Neg', {
  since: [6, 13],
  forward: (tf, x) => tf.neg(x),
  float: (x) => -x,
  integer: (x) => -x,
});
