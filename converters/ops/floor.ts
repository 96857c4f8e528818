import { piecewiseConstant } from './support/gradients.js';
import { unary } from './support/elementwise.js';

export const Floor = unary('Floor', {
  since: [6, 13],
  forward: (tf, input) => piecewiseConstant(tf, (x) => tf.floor(x), input),
  float: Math.floor,
});
