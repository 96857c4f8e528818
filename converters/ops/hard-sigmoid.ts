import { defineOp, float } from './define-op.js';

/** max(0, min(1, alpha x + beta)) */
export const HardSigmoid = defineOp('HardSigmoid', {
  since: [6, 22],
  inputs: [1, 1],
  outputs: [1, 1],
  attributes: { alpha: float(0.2), beta: float(0.5) },
  shape: ([x]) => [x],
  forward: (tf, [x], { alpha, beta }) => [
    tf.clipByValue(tf.add(tf.mul(x, tf.scalar(alpha)), tf.scalar(beta)), 0, 1),
  ],
});
