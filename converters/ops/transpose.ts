import { defineOp, optionalInts, type Shape } from './define-op.js';
import { rearrange } from './support/constants.js';
import { attributeError, show, stridesOf } from './support/shapes.js';

/** Axis i of the output is axis perm[i] of the input; by default the axes are reversed. */
export const Transpose = defineOp('Transpose', {
  since: [1, 13, 21, 23, 24, 25],
  inputs: [1, 1],
  outputs: [1, 1],
  attributes: { perm: optionalInts() },
  shape: ([x], { perm }) => [permutation(x, perm).map((axis) => x[axis])],
  fold([x], { perm }, { outputShapes: [dims] }) {
    const strides = stridesOf(x.dims);
    const order = permutation(x.dims, perm).map((axis) => strides[axis]);
    return [rearrange(x, dims, (at) => order.reduce((index, stride, axis) => index + stride * at[axis], 0))];
  },
  forward: (tf, [x], { perm }) => [tf.transpose(x, permutation(x.shape, perm))],
});

function permutation(shape: Shape, perm: readonly number[] | undefined): number[] {
  if (perm === undefined) return shape.map((_, axis) => shape.length - 1 - axis);
  const sorted = [...perm].sort((a, b) => a - b);
  if (perm.length !== shape.length || sorted.some((axis, i) => axis !== i)) {
    throw attributeError(`perm ${show(perm)} is no permutation of ${shape.length} axes.`);
  }
  return [...perm];
}
