import { defineOp, requiredInts } from './define-op.js';
import { integersOf } from './support/axes.js';
import { attributeError, normalizeAxes } from './support/shapes.js';

/** Inserts axes of size 1; `axes` count in the output. An attribute before opset 13, an input since. */
export const Unsqueeze = defineOp('Unsqueeze', {
  since: [1, 11, 13, 21, 23, 24, 25],
  inputs: [1, 2],
  outputs: [1, 1],
  constantInputs: [1],
  attributes: { axes: requiredInts({ before: 13 }) },
  shape([x], attributes, { constants }) {
    const given = integersOf(attributes.axes, constants[1], 'axes');
    if (given === undefined) throw attributeError('it has no axes.');
    const axes = normalizeAxes(given, x.length + given.length);
    const rest = x[Symbol.iterator]();
    return [
      Array.from({ length: x.length + axes.length }, (_, axis) =>
        axes.includes(axis) ? 1 : rest.next().value!,
      ),
    ];
  },
  fold: ([x], _, { outputShapes: [dims] }) => [{ ...x, dims }],
  forward: (tf, [x], _, { outputShapes: [shape] }) => [tf.reshape(x, [...shape])],
});
