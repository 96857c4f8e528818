import { unary } from './support/elementwise.js';

export const Sign = unary('Sign', {
  since: [9, 13],
  forward: (tf, x) => tf.sign(x),
  float: Math.sign,
  integer: (x) => (x > 0n ? 1n : x < 0n ? -1n : 0n),
});
