import { unary } from './support/elementwise.js';

/** x / (1 + |x|). */
export const Softsign = unary('Softsign', {
  since: [1, 22],
  forward: (tf, x) => tf.div(x, tf.add(tf.abs(x), tf.scalar(1))),
});
