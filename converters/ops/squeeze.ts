import { defineOp, optionalInts } from './define-op.js';
import { integersOf } from './support/axes.js';
import { normalizeAxes, shapeError, show } from './support/shapes.js';

/** Drops the given axes, by default every one of size 1. Axes are an attribute before opset 13, an input since. */
export const Squeeze = defineOp('Squeeze', {
  since: [1, 11, 13, 21, 23, 24, 25],
  inputs: [1, 2],
  outputs: [1, 1],
  constantInputs: [1],
  attributes: { axes: optionalInts({ before: 13 }) },
  shape([x], attributes, { constants }) {
    const given = integersOf(attributes.axes, constants[1], 'axes');
    if (given === undefined) return [x.filter((dim) => dim !== 1)];
    const axes = normalizeAxes(given, x.length);
    if (axes.some((axis) => x[axis] !== 1)) {
      throw shapeError(`axes ${show(given)} of ${show(x)} are not all of size 1.`);
    }
    return [x.filter((_, axis) => !axes.includes(axis))];
  },
  fold: ([x], _, { outputShapes: [dims] }) => [{ ...x, dims }],
  forward: (tf, [x], _, { outputShapes: [shape] }) => [tf.reshape(x, [...shape])],
});
