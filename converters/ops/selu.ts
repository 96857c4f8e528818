import { defineOp, float } from './define-op.js';

/** gamma (x where x > 0, else alpha (exp(x) - 1)), with the constants of arXiv 1706.02515. */
export const Selu = defineOp('Selu', {
  since: [6, 22],
  inputs: [1, 1],
  outputs: [1, 1],
  attributes: { alpha: float(1.6732632423543772), gamma: float(1.0507009873554805) },
  shape: ([x]) => [x],
  forward(tf, [x], { alpha, gamma }) {
    // elu(min(x, 0)) is exp(x) - 1 left of 0 and 0 right of it.
    const left = tf.mul(tf.elu(tf.minimum(x, tf.scalar(0))), tf.scalar(alpha * gamma));
    return [tf.add(tf.mul(tf.relu(x), tf.scalar(gamma)), left)];
  },
});
