import { binary } from './support/elementwise.js';

export const Sub = binary('Sub', {
  since: [6, 7, 13, 14],
  forward: (tf, a, b) => tf.sub(a, b),
  float: (a, b) => a - b,
  integer: (a, b) => a - b,
});
