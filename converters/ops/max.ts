import { variadic } from './support/elementwise.js';
import { expandAll } from './support/gradients.js';

export const Max = variadic('Max', {
  since: [6, 8, 12, 13],
  forward(tf, a, b) {
    const [left, right] = expandAll(tf, a, b);
    return tf.maximum(left, right);
  },
  float: Math.max,
  integer: (...values) => values.reduce((a, b) => (a > b ? a : b)),
});
