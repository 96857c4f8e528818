import { unary } from './support/elementwise.js';

export const Relu = unary('Relu', {
  since: [6, 13, 14],
  forward: (tf, x) => tf.relu(x),
  float: (x) => Math.max(x, 0),
});
