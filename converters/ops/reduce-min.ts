import { extremum } from './support/gradients.js';
import { reduction } from './support/reduction.js';

export const ReduceMin = reduction('ReduceMin', {
  since: [1, 11, 12, 13, 18, 20],
  axesInput: 18,
  identity: Infinity,
  forward: (tf, x, axes) => extremum(tf, 'min', x, axes),
  reduce: (a, b) => (a < b ? a : b),
});
