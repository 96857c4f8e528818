import { product } from './support/gradients.js';
import { reduction } from './support/reduction.js';

export const ReduceProd = reduction('ReduceProd', {
  since: [1, 11, 13, 18],
  axesInput: 18,
  identity: 1,
  forward: (tf, x, axes) => axes.reduce((y, axis) => product(tf, y, axis), x),
  reduce: (a, b) => (typeof a === 'bigint' && typeof b === 'bigint' ? a * b : Number(a) * Number(b)),
});
