import { unary } from './support/elementwise.js';

export const Reciprocal = unary('Reciprocal', {
  since: [6, 13],
  forward: (tf, x) => tf.div(tf.scalar(1), x),
  float: (x) => 1 / x,
});
