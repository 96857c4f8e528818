import { unary } from './support/elementwise.js';

/** x max(0, min(1, x / 6 + 1 / 2)) */
export const HardSwish = unary('HardSwish', {
  since: [14, 22],
  forward: (tf, x) => tf.mul(x, tf.clipByValue(tf.add(tf.mul(x, tf.scalar(1 / 6)), tf.scalar(0.5)), 0, 1)),
});
