import { defineOp, float, int } from './define-op.js';
import { broadcastShapes, normalizeAxis, shapeError, show } from './support/shapes.js';
import { axesFrom, standardize } from './support/standardize.js';

/** Standardizes over the axes from `axis` on; outputs [y, mean, 1 / sqrt(variance + epsilon)]. */
export const LayerNormalization = defineOp('LayerNormalization', {
  since: [17],
  inputs: [2, 3],
  outputs: [1, 3],
  attributes: { axis: int(-1), epsilon: float(1e-5), stash_type: int(1) },
  shape([x, scale, bias = []], { axis }) {
    const first = normalizeAxis(axis, x.length);
    for (const shape of [scale, bias]) {
      if (show(broadcastShapes(x, shape)) !== show(x)) {
        throw shapeError(`its scale or bias ${show(shape)} does not broadcast to ${show(x)}.`);
      }
    }
    const kept = x.map((dim, i) => (i < first ? dim : 1));
    return [x, kept, kept];
  },
  forward(tf, [x, scale, bias], { axis, epsilon }) {
    const axes = axesFrom(normalizeAxis(axis, x.rank), x.rank);
    const { y, mean, inverse } = standardize(tf, x, axes, epsilon);
    const scaled = tf.mul(y, scale);
    return [bias ? tf.add(scaled, bias) : scaled, mean, inverse];
  },
});
