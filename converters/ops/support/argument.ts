import { defineOp, flag, int, type OpDefinition } from '../define-op.js';
import { piecewiseConstant } from './gradients.js';
import { normalizeAxis, shapeError, show } from './shapes.js';

/** Index of the extreme element along an axis: of equal ones the first, or with `select_last_index` the last. */
export function argument(opType: string, kind: 'argMax' | 'argMin'): OpDefinition {
  return defineOp(opType, {
    since: [1, 11, 12, 13],
    inputs: [1, 1],
    outputs: [1, 1],
    attributes: { axis: int(0), keepdims: flag(1), select_last_index: flag(0, { since: 12 }) },
    differentiable: false,
    type: () => 'int64',
    shape([x], { axis, keepdims }) {
      const along = normalizeAxis(axis, x.length);
      if (x[along] === 0) throw shapeError(`${show(x)} has no elements along axis ${along}.`);
      return [keepdims === 1 ? x.map((dim, i) => (i === along ? 1 : dim)) : x.filter((_, i) => i !== along)];
    },
    forward(tf, [x], { axis, select_last_index: last }, { outputShapes: [shape] }) {
      const along = normalizeAxis(axis, x.rank);
      const indices = piecewiseConstant(
        tf,
        (value) => {
          if (last !== 1) return tf[kind](value, along);
          const fromEnd = tf[kind](tf.reverse(value, along), along);
          return tf.sub(tf.scalar(value.shape[along] - 1, 'int32'), fromEnd);
        },
        x,
      );
      return [tf.reshape(indices, [...shape])];
    },
  });
}
