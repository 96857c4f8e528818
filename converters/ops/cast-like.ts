import { defineOp, flag, string } from './define-op.js';
import { castForward, castTensor } from './support/cast.js';

export const CastLike = defineOp('CastLike', {
  since: [15, 19, 21, 23, 24, 25],
  inputs: [2, 2],
  outputs: [1, 1],
  typeInputs: [1],
  attributes: { saturate: flag(1, { since: 19 }), round_mode: string('up', { since: 24 }) },
  shape: ([x]) => [x],
  type: (_, { types }) => types[1],
  fold: ([x], _, { types }) => types[1] && castTensor(x, types[1]),
  forward: (tf, [x], _, { types }) => [castForward(tf, x, types[1] ?? 'float')],
});
