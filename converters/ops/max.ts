import { variadic } from './support/elementwise.js';

export const Max = variadic('Max', {
  since: [6, 8, 12, 13],
  forward: (tf, a, b) => tf.maximum(a, b),
  float: Math.max,
  integer: (...values) => values.reduce((a, b) => (a > b ? a : b)),
});
