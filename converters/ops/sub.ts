import { binary } from './support/elementwise.js';

export const Sub = binary('Sub', {
  since: [7, 13, 14],
  forward: (tf, a, b) => tf.sub(a, b),
  float: (a, b) => a - b,
  integer: (a, b) => a - b,
});
