import { defineOp } from './define-op.js';
import { rearrange, toIntegers } from './support/constants.js';
import { expand } from './support/gradients.js';
import { shapeError, show, stridesOf } from './support/shapes.js';

export const Tile = defineOp('Tile', {
  since: [6, 13],
  inputs: [2, 2],
  outputs: [1, 1],
  constantInputs: [1],
  attributes: {},
  shape([x], _, { constants }) {
    const repeats = toIntegers(constants[1]!, 'repeats');
    if (repeats.length !== x.length || repeats.some((count) => count < 0)) {
      throw shapeError(`repeats ${show(repeats)} do not fit ${show(x)}.`);
    }
    return [x.map((dim, axis) => dim * repeats[axis])];
  },
  fold([x], _, { outputShapes: [dims] }) {
    const strides = stridesOf(x.dims);
    return [
      rearrange(x, dims, (at) =>
        strides.reduce((index, stride, axis) => index + stride * (at[axis] % x.dims[axis]), 0),
      ),
    ];
  },
  forward(tf, [x], _, { constants, outputShapes: [shape] }) {
    const repeats = toIntegers(constants[1]!, 'repeats');
    const spaced = x.shape.flatMap((dim) => [1, dim]);
    const repeated = x.shape.flatMap((dim, axis) => [repeats[axis], dim]);
    return [tf.reshape(expand(tf, tf.reshape(x, spaced), repeated), [...shape])];
  },
});
