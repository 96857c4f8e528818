import { reduction } from './support/reduction.js';

export const ReduceProd = reduction('ReduceProd', {
  since: [1, 11, 13, 18],
  axesInput: 18,
  forward: (tf, x, axes, keepDims) => tf.prod(x, axes, keepDims),
  reduce: (a, b) => (typeof a === 'bigint' && typeof b === 'bigint' ? a * b : Number(a) * Number(b)),
});
