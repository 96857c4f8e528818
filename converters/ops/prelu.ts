import { defineOp } from './define-op.js';
import { broadcastShapes, shapeError, show } from './support/shapes.js';

/** The slope broadcasts to x, and not the other way round. */
export const PRelu = defineOp('PRelu', {
  since: [7, 9, 16],
  inputs: [2, 2],
  outputs: [1, 1],
  attributes: {},
  shape([x, slope]) {
    if (show(broadcastShapes(x, slope)) !== show(x)) {
      throw shapeError(`its slope ${show(slope)} does not broadcast to ${show(x)}.`);
    }
    return [x];
  },
  forward: (tf, [x, slope]) => [tf.add(tf.relu(x), tf.mul(tf.minimum(x, tf.scalar(0)), slope))],
});
