import { defineOp } from './define-op.js';
import { broadcastIndex, rearrange, toIntegers } from './support/constants.js';
import { expand } from './support/gradients.js';
import { broadcastShapes } from './support/shapes.js';

/** Broadcasts both ways: a target dimension of 1 keeps the input's. */
export const Expand = defineOp('Expand', {
  since: [8, 13],
  inputs: [2, 2],
  outputs: [1, 1],
  constantInputs: [1],
  attributes: {},
  shape: ([x], _, { constants }) => [broadcastShapes(x, toIntegers(constants[1]!, 'target dimensions'))],
  fold: ([x], _, { outputShapes: [dims] }) => [rearrange(x, dims, broadcastIndex(x.dims, dims))],
  forward: (tf, [x], _, { outputShapes: [shape] }) => [expand(tf, x, shape)],
});
