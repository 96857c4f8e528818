import { defineOp, float } from './define-op.js';
import { piecewiseConstant } from './support/gradients.js';

/** x where x > alpha, else 0. */
export const ThresholdedRelu = defineOp('ThresholdedRelu', {
  since: [10, 22],
  inputs: [1, 1],
  outputs: [1, 1],
  attributes: { alpha: float(1) },
  shape: ([x]) => [x],
  forward(tf, [x], { alpha }) {
    const passes = piecewiseConstant(tf, (v) => tf.cast(tf.greater(v, tf.scalar(alpha)), 'float32'), x);
    return [tf.mul(x, passes)];
  },
});
