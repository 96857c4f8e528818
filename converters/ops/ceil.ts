import { piecewiseConstant } from './support/gradients.js';
import { unary } from './support/elementwise.js';

export const Ceil = unary('Ceil', {
  since: [6, 13],
  forward: (tf, input) => piecewiseConstant(tf, (x) => tf.ceil(x), input),
  float: Math.ceil,
});
