import type * as tfjs from '@tensorflow/tfjs-core';
import { perChannel } from '../layout.js';
import { defineOp, float, int, requiredInt } from './define-op.js';
import { attributeError, shapeError, show } from './support/shapes.js';
import { standardize } from './support/standardize.js';

/** Standardizes groups of channels; scale and bias are per group at opset 18, per channel since 21. */
export const GroupNormalization = defineOp('GroupNormalization', {
  since: [18, 21],
  inputs: [3, 3],
  outputs: [1, 1],
  attributes: { epsilon: float(1e-5), num_groups: requiredInt(), stash_type: int(1, { since: 21 }) },
  shape([x, scale, bias], { num_groups: groups }, { opset }) {
    if (x.length < 2) throw shapeError(`input ${show(x)} has no channels.`);
    if (groups < 1 || x[1] % groups !== 0) {
      throw attributeError(`num_groups ${groups} does not divide ${x[1]} channels.`);
    }
    const expected = show([opset < 21 ? groups : x[1]]);
    if (show(scale) !== expected || show(bias) !== expected) {
      throw shapeError(`its scale and bias must be ${expected}, but are ${show(scale)} and ${show(bias)}.`);
    }
    return [x];
  },
  forward(tf, [x, scale, bias], { epsilon, num_groups: groups }, { opset }) {
    const grouped = tf.reshape(x, [x.shape[0], groups, -1]);
    const { y } = standardize(tf, grouped, [2], epsilon);
    const affine = (value: tfjs.Tensor) =>
      tf.add(tf.mul(value, perChannel(tf, scale, value.rank)), perChannel(tf, bias, value.rank));
    return [opset < 21 ? tf.reshape(affine(y), x.shape) : affine(tf.reshape(y, x.shape))];
  },
});
