import { unary } from './support/elementwise.js';

export const Abs = unary('Abs', {
  since: [6, 13],
  forward: (tf, x) => tf.abs(x),
  float: Math.abs,
  integer: (x) => (x < 0n ? -x : x),
});
