import { piecewiseConstant } from './support/gradients.js';
import { reduction } from './support/reduction.js';

/** As max + log(sum(exp(x - max))), which no input overflows; the maximum cancels, in the gradient too. */
export const ReduceLogSumExp = reduction('ReduceLogSumExp', {
  since: [1, 11, 13, 18],
  axesInput: 18,
  identity: -Infinity,
  forward(tf, x, axes) {
    const most = piecewiseConstant(tf, (value) => tf.max(value, axes, true), x);
    return tf.add(most, tf.log(tf.sum(tf.exp(tf.sub(x, most)), axes, true)));
  },
});
