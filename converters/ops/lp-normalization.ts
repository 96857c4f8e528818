import { defineOp, int } from './define-op.js';
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
  forward: (tf, [x], { axis, p }) => [tf.div(x, lpNorm(tf, x, [normalizeAxis(axis, x.rank)], p))],
});
