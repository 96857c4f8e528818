import { variadic } from './support/elementwise.js';
import { expandAll } from './support/gradients.js';

export const Min = variadic('Min', {
  since: [6, 8, 12, 13],
  forward(tf, a, b) {
    const [left, right] = expandAll(tf, a, b);
    return tf.minimum(left, right);
  },
  float: Math.min,
  integer: (...values) => values.reduce((a, b) => (a < b ? a : b)),
});
