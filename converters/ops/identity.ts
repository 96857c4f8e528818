import { defineOp } from './define-op.js';

export const Identity = defineOp('Identity', {
  since: [1, 13, 14, 16, 19, 21, 23, 24, 25],
  inputs: [1, 1],
  outputs: [1, 1],
  attributes: {},
  shape: ([x]) => [x],
  fold: ([x]) => [x],
  forward: (_, [x]) => [x],
});
