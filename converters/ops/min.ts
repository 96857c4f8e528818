import { variadic } from './support/elementwise.js';

export const Min = variadic('Min', {
  since: [6, 8, 12, 13],
  forward: (tf, a, b) => tf.minimum(a, b),
  float: Math.min,
  integer: (...values) => values.reduce((a, b) => (a < b ? a : b)),
});
