import { defineOp, float } from './define-op.js';

/** max(0, x) + min(0, alpha (exp(x / alpha) - 1)). */
export const Celu = defineOp('Celu', {
  since: [12],
  inputs: [1, 1],
  outputs: [1, 1],
  attributes: { alpha: float(1) },
  shape: ([x]) => [x],
  forward: (tf, [x], { alpha }) => [tf.mul(tf.elu(tf.mul(x, tf.scalar(1 / alpha))), tf.scalar(alpha))],
});
