import { perChannel } from '../layout.js';
import { defineOp, float } from './define-op.js';
import { shapeError, show } from './support/shapes.js';
import { axesFrom, standardize } from './support/standardize.js';

/** Standardizes every channel of every item, then scales and shifts it; scale and bias are [C]. */
export const InstanceNormalization = defineOp('InstanceNormalization', {
  since: [6, 22],
  inputs: [3, 3],
  outputs: [1, 1],
  attributes: { epsilon: float(1e-5) },
  shape([x, scale, bias]) {
    if (x.length < 3) throw shapeError(`input ${show(x)} has no spatial axes.`);
    const channels = show([x[1]]);
    if (show(scale) !== channels || show(bias) !== channels) {
      throw shapeError(`its scale and bias must be ${channels}, but are ${show(scale)} and ${show(bias)}.`);
    }
    return [x];
  },
  forward(tf, [x, scale, bias], { epsilon }) {
    const { y } = standardize(tf, x, axesFrom(2, x.rank), epsilon);
    return [tf.add(tf.mul(y, perChannel(tf, scale, x.rank)), perChannel(tf, bias, x.rank))];
  },
});
