import { variadic } from './support/elementwise.js';

export const Sum = variadic('Sum', {
  since: [6, 8, 13],
  forward: (tf, a, b) => tf.add(a, b),
  float: (...values) => values.reduce((a, b) => a + b),
});
