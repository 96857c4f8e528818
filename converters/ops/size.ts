import { defineOp } from './define-op.js';
import { int64Tensor } from './support/constants.js';
import { sizeOf } from './support/shapes.js';

export const Size = defineOp('Size', {
  since: [1, 13, 19, 21, 23, 24, 25],
  inputs: [1, 1],
  outputs: [1, 1],
  attributes: {},
  shape: () => [[]],
  foldShapes: ([x]) => [int64Tensor([sizeOf(x)], [])],
});
