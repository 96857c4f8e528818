import { defineOp, int, optionalInt, type Shape as Dims } from './define-op.js';
import { int64Tensor } from './support/constants.js';

/** The slice [start, end) of the input's shape; bounds count from the back where negative, and are clamped. */
export const Shape = defineOp('Shape', {
  since: [1, 13, 15, 19, 21, 23, 24, 25],
  inputs: [1, 1],
  outputs: [1, 1],
  attributes: { start: int(0, { since: 15 }), end: optionalInt({ since: 15 }) },
  shape: ([x], { start, end }) => [[dimsOf(x, start, end).length]],
  foldShapes: ([x], { start, end }) => [int64Tensor(dimsOf(x, start, end))],
});

function dimsOf(shape: Dims, start: number, end: number | undefined): readonly number[] {
  return shape.slice(start, end);
}
