import { defineOp, int } from './define-op.js';
import { normalizeAxis, sizeOf } from './support/shapes.js';

/** [d0 ... d(axis-1), daxis ... dn]: always two dimensions. */
export const Flatten = defineOp('Flatten', {
  since: [1, 9, 11, 13, 21, 23, 24, 25],
  inputs: [1, 1],
  outputs: [1, 1],
  attributes: { axis: int(1) },
  shape([x], { axis }) {
    const split = normalizeAxis(axis, x.length, x.length + 1);
    return [[sizeOf(x.slice(0, split)), sizeOf(x.slice(split))]];
  },
  fold: ([x], _, { outputShapes: [dims] }) => [{ ...x, dims }],
  forward: (tf, [x], _, { outputShapes: [shape] }) => [tf.reshape(x, [...shape])],
});
