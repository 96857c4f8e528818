import { defineOp, flag, string } from './define-op.js';
import { castTensor } from './support/cast.js';

export const CastLike = defineOp('CastLike', {
  since: [15, 19, 21, 23, 24, 25],
  inputs: [2, 2],
  outputs: [1, 1],
  attributes: { saturate: flag(1, { since: 19 }), round_mode: string('up', { since: 24 }) },
  shape: ([x]) => [x],
  fold: ([x, like]) => castTensor(x, like.type),
  forward: (tf, [x, like]) => [tf.cast(x, like.dtype)],
});
