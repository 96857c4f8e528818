import { reduction } from './support/reduction.js';

export const ReduceMean = reduction('ReduceMean', {
  since: [1, 11, 13, 18],
  axesInput: 18,
  forward: (tf, x, axes) => tf.mean(x, axes, true),
});
