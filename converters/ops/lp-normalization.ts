import { defineOp, int } from './define-op.js';
import { piecewiseConstant } from './support/gradients.js';
import { lpNorm } from './support/lp-norm.js';
import { normalizeAxis } from './support/shapes.js';

/** x divided by its 1- or 2-norm along an axis. */
export const LpNormalization = defineOp('LpNormalization', {
  since: [1, 22],
  inputs: [1, 1],
  outputs: [1, 1],
  attributes: { axis: int(-1), p: int(2, { oneOf: [1, 2] }) },
  shape([x], { axis }) {
    normalizeAxis(axis, x.length);
    return [x];
  },
  forward(tf, [x], { axis, p }) {
    const norm = lpNorm(tf, x, [normalizeAxis(axis, x.rank)], p);
    // Zeros stay.
    const none = piecewiseConstant(tf, (value) => tf.cast(tf.equal(value, tf.scalar(0)), 'float32'), norm);
    return [tf.div(x, tf.add(norm, none))];
  },
});
