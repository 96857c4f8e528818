import { reduction } from './support/reduction.js';

export const ReduceSumSquare = reduction('ReduceSumSquare', {
  since: [1, 11, 13, 18],
  axesInput: 18,
  identity: 0,
  forward: (tf, x, axes) => tf.sum(tf.square(x), axes, true),
});
