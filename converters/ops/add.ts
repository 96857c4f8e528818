import { binary } from './support/elementwise.js';

export const Add = binary('Add', {
  since: [6, 7, 13, 14],
  forward: (tf, a, b) => tf.add(a, b),
  float: (a, b) => a + b,
  integer: (a, b) => a + b,
});
