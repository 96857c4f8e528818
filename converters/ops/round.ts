import { piecewiseConstant } from './support/gradients.js';
import { unary } from './support/elementwise.js';

/** To the nearest integer, halves to the even one. */
export const Round = unary('Round', {
  since: [11, 22],
  forward: (tf, input) => piecewiseConstant(tf, (x) => tf.round(x), input),
});
