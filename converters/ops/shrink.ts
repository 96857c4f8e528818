import { defineOp, float } from './define-op.js';
import { piecewiseConstant } from './support/gradients.js';

/** x + bias where x < -lambd, x - bias where x > lambd, else 0. */
export const Shrink = defineOp('Shrink', {
  since: [9],
  inputs: [1, 1],
  outputs: [1, 1],
  attributes: { bias: float(0), lambd: float(0.5) },
  shape: ([x]) => [x],
  forward(tf, [input], { bias, lambd }) {
    const x = tf.cast(input, 'float32');
    const where = (holds: 'less' | 'greater', bound: number) =>
      piecewiseConstant(tf, (v) => tf.cast(tf[holds](v, tf.scalar(bound)), 'float32'), x);
    const [below, above] = [where('less', -lambd), where('greater', lambd)];
    const moved = tf.mul(tf.sub(below, above), tf.scalar(bias));
    return [tf.cast(tf.add(tf.mul(x, tf.add(below, above)), moved), input.dtype)];
  },
});
