import { defineOp, float } from './define-op.js';

/** x sigmoid(alpha x), arXiv 1710.05941. */
export const Swish = defineOp('Swish', {
  since: [24],
  inputs: [1, 1],
  outputs: [1, 1],
  attributes: { alpha: float(1) },
  shape: ([x]) => [x],
  forward: (tf, [x], { alpha }) => [tf.mul(x, tf.sigmoid(tf.mul(x, tf.scalar(alpha))))],
});
