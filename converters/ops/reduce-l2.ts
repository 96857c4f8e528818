import { reduction } from './support/reduction.js';

export const ReduceL2 = reduction('ReduceL2', {
  since: [1, 11, 13, 18],
  axesInput: 18,
  identity: 0,
  forward: (tf, x, axes) => tf.sqrt(tf.sum(tf.square(x), axes, true)),
});
