import { defineOp, float } from './define-op.js';

export const Elu = defineOp('Elu', {
  since: [6, 22],
  inputs: [1, 1],
  outputs: [1, 1],
  attributes: { alpha: float(1) },
  shape: ([x]) => [x],
  forward(tf, [x], { alpha }) {
    if (alpha === 1) return [tf.elu(x)];
    // elu(min(x, 0)) is exp(x) - 1 left of 0 and 0 right of it.
    return [tf.add(tf.relu(x), tf.mul(tf.elu(tf.minimum(x, tf.scalar(0))), tf.scalar(alpha)))];
  },
});
