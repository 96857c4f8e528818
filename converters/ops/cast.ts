import { defineOp, flag, requiredInt, string } from './define-op.js';
import { castForward, castTensor, dataTypeOf } from './support/cast.js';

export const Cast = defineOp('Cast', {
  since: [6, 9, 13, 19, 21, 23, 24, 25],
  inputs: [1, 1],
  outputs: [1, 1],
  attributes: {
    to: requiredInt(),
    saturate: flag(1, { since: 19 }),
    round_mode: string('up', { since: 24 }),
  },
  shape: ([x]) => [x],
  type: ({ to }) => dataTypeOf(to),
  fold: ([x], { to }) => castTensor(x, dataTypeOf(to)),
  forward: (tf, [x], { to }) => [castForward(tf, x, dataTypeOf(to))],
});
