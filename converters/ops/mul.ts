import { binary } from './support/elementwise.js';

export const Mul = binary('Mul', {
  since: [6, 7, 13, 14],
  forward: (tf, a, b) => tf.mul(a, b),
  float: (a, b) => a * b,
  integer: (a, b) => a * b,
});
