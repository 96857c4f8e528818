import { reduction } from './support/reduction.js';

export const ReduceSum = reduction('ReduceSum', {
  since: [1, 11, 13],
  axesInput: 13,
  identity: 0,
  forward: (tf, x, axes) => tf.sum(x, axes, true),
  reduce: (a, b) => (typeof a === 'bigint' && typeof b === 'bigint' ? a + b : Number(a) + Number(b)),
});
