import { unary } from './support/elementwise.js';

/** x tanh(ln(1 + exp(x))), arXiv 1908.08681. */
export const Mish = unary('Mish', {
  since: [18, 22],
  forward: (tf, x) => tf.mul(x, tf.tanh(tf.softplus(x))),
});
