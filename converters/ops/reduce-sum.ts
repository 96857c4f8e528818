import { reduction } from './support/reduction.js';

export const ReduceSum = reduction('ReduceSum', {
  since: [1, 11, 13],
  axesInput: 13,
  forward: (tf, x, axes) => tf.sum(x, axes, true),
});
