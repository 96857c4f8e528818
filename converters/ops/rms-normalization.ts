import { defineOp, float, int } from './define-op.js';
import { broadcastShapes, normalizeAxis, shapeError, show } from './support/shapes.js';
import { axesFrom } from './support/standardize.js';

/** x scale / sqrt(mean(x^2) + epsilon), the mean over the axes from `axis` on. */
export const RMSNormalization = defineOp('RMSNormalization', {
  since: [23],
  inputs: [2, 2],
  outputs: [1, 1],
  attributes: { axis: int(-1), epsilon: float(1e-5), stash_type: int(1) },
  shape([x, scale], { axis }) {
    normalizeAxis(axis, x.length);
    if (show(broadcastShapes(x, scale)) !== show(x)) {
      throw shapeError(`its scale ${show(scale)} does not broadcast to ${show(x)}.`);
    }
    return [x];
  },
  forward(tf, [x, scale], { axis, epsilon }) {
    const axes = axesFrom(normalizeAxis(axis, x.rank), x.rank);
    const square = tf.mean(tf.square(x), axes, true);
    return [tf.mul(tf.mul(x, tf.rsqrt(tf.add(square, tf.scalar(epsilon)))), scale)];
  },
});
