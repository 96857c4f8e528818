import { defineOp, flag, type Shape } from './define-op.js';
import { toIntegers } from './support/constants.js';
import { shapeError, show, sizeOf } from './support/shapes.js';

/** 0 copies the input's dimension (unless `allowzero`), one -1 is what remains. */
export const Reshape = defineOp('Reshape', {
  since: [5, 13, 14, 19, 21, 23, 24, 25],
  inputs: [2, 2],
  outputs: [1, 1],
  constantInputs: [1],
  attributes: { allowzero: flag(0, { since: 14 }) },
  shape: ([x], { allowzero }, { constants }) => [
    resolve(x, toIntegers(constants[1]!, 'target dimensions'), allowzero === 1),
  ],
  fold: ([x], _, { outputShapes: [dims] }) => [{ ...x, dims }],
  // Of no elements there is nothing to keep, and onnxruntime takes a 0 for a copied dimension.
  forward: (tf, [x], _, { outputShapes: [shape] }) => [
    x.size === 0 ? tf.zeros([...shape], x.dtype) : tf.reshape(x, [...shape]),
  ],
});

function resolve(input: Shape, target: readonly number[], allowZero: boolean): number[] {
  const wrong = target.find((dim) => dim < -1);
  if (wrong !== undefined) throw shapeError(`target ${show(target)} has dimension ${wrong}.`);
  if (target.filter((dim) => dim === -1).length > 1) throw shapeError(`target ${show(target)} has two -1.`);

  const copied = target.map((dim, axis) => {
    if (dim !== 0 || allowZero) return dim;
    if (axis >= input.length) throw shapeError(`target ${show(target)} copies an axis ${show(input)} lacks.`);
    return input[axis];
  });
  const size = sizeOf(input);
  const known = sizeOf(copied.map((dim) => (dim === -1 ? 1 : dim)));
  const shape = copied.map((dim) => (dim === -1 && known > 0 ? size / known : dim));
  if (shape.some((dim) => !Number.isInteger(dim) || dim < 0) || sizeOf(shape) !== size) {
    throw shapeError(`${show(input)} cannot become ${show(target)}.`);
  }
  return shape;
}
