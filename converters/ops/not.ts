import { defineOp } from './define-op.js';
import { mapElements } from './support/constants.js';
import { piecewiseConstant } from './support/gradients.js';

export const Not = defineOp('Not', {
  since: [1],
  inputs: [1, 1],
  outputs: [1, 1],
  differentiable: false,
  attributes: {},
  shape: ([x]) => [x],
  fold: ([x]) => [mapElements([x], 'bool', x.dims, (value) => (value ? 0 : 1))],
  forward: (tf, [x]) => [piecewiseConstant(tf, (value) => tf.logicalNot(value), x)],
});
