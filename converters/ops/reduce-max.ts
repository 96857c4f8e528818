import { reduction } from './support/reduction.js';

export const ReduceMax = reduction('ReduceMax', {
  since: [1, 11, 12, 13, 18, 20],
  axesInput: 18,
  forward: (tf, x, axes, keepDims) => tf.max(x, axes, keepDims),
  reduce: (a, b) => (a > b ? a : b),
});
