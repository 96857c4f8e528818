import { defineOp, ints } from './define-op.js';
import { normalizeAxes } from './support/shapes.js';

/** Added to the standard deviation, as the specification's function does. */
const EPSILON = 1e-9;

/** (x - mean) / (standard deviation + 1e-9) over the axes. */
export const MeanVarianceNormalization = defineOp('MeanVarianceNormalization', {
  since: [9, 13],
  inputs: [1, 1],
  outputs: [1, 1],
  attributes: { axes: ints([0, 2, 3]) },
  shape([x], { axes }) {
    normalizeAxes(axes, x.length);
    return [x];
  },
  forward(tf, [x], { axes }) {
    const over = normalizeAxes(axes, x.rank);
    const centered = tf.sub(x, tf.mean(x, over, true));
    const deviation = tf.sqrt(tf.mean(tf.square(centered), over, true));
    return [tf.div(centered, tf.add(deviation, tf.scalar(EPSILON)))];
  },
});
