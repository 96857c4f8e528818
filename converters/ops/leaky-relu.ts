import { defineOp, float } from './define-op.js';

export const LeakyRelu = defineOp('LeakyRelu', {
  since: [6, 16],
  inputs: [1, 1],
  outputs: [1, 1],
  attributes: { alpha: float(0.01) },
  shape: ([x]) => [x],
  forward: (tf, [x], { alpha }) => [tf.leakyRelu(x, alpha)],
});
