import { reduction } from './support/reduction.js';

export const ReduceLogSum = reduction('ReduceLogSum', {
  since: [1, 11, 13, 18],
  axesInput: 18,
  identity: -Infinity,
  forward: (tf, x, axes) => tf.log(tf.sum(x, axes, true)),
});
