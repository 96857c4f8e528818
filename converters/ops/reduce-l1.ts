import { reduction } from './support/reduction.js';

export const ReduceL1 = reduction('ReduceL1', {
  since: [1, 11, 13, 18],
  axesInput: 18,
  identity: 0,
  forward: (tf, x, axes) => tf.sum(tf.abs(x), axes, true),
});
