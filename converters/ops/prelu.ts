import type * as tfjs from '@tensorflow/tfjs-core';
import { defineOp, type Shape } from './define-op.js';
import { broadcastShapes, shapeError, show } from './support/shapes.js';

/** The slope broadcasts to x, and not the other way round; before opset 7 it is one for all, or one per channel. */
export const PRelu = defineOp('PRelu', {
  since: [6, 7, 9, 16],
  inputs: [2, 2],
  outputs: [1, 1],
  attributes: {},
  shape([x, slope], _, { opset }) {
    if (show(broadcastShapes(x, slopeShape(x, slope, opset))) !== show(x)) {
      throw shapeError(`its slope ${show(slope)} does not broadcast to ${show(x)}.`);
    }
    return [x];
  },
  forward(tf, [x, given], _, { opset }) {
    const shape = slopeShape(x.shape, given.shape, opset);
    const slope: tfjs.Tensor = shape === given.shape ? given : tf.reshape(given, [...shape]);
    return [tf.add(tf.relu(x), tf.mul(tf.minimum(x, tf.scalar(0)), slope))];
  },
});

function slopeShape(x: Shape, slope: Shape, opset: number): Shape {
  return opset < 7 && slope.length === 1 ? [...slope, ...x.slice(2).map(() => 1)] : slope;
}
