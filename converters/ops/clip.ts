import type { Tensor } from '../model.js';
import { defineOp, optionalFloat } from './define-op.js';
import { toScalar } from './support/constants.js';

/** Bounds are attributes before opset 11, inputs since. min > max gives max everywhere, as min(max, max(x, min)). */
export const Clip = defineOp('Clip', {
  since: [6, 11, 12, 13],
  inputs: [1, 3],
  outputs: [1, 1],
  constantInputs: [1, 2],
  attributes: { min: optionalFloat({ before: 11 }), max: optionalFloat({ before: 11 }) },
  shape: ([x]) => [x],
  forward(tf, [x], attributes, { constants }) {
    const min = bound(constants[1], 'min') ?? attributes.min ?? -Infinity;
    const max = bound(constants[2], 'max') ?? attributes.max ?? Infinity;
    if (min <= max && Number.isFinite(min) && Number.isFinite(max)) return [tf.clipByValue(x, min, max)];
    const raised = min === 0 ? tf.relu(x) : min > -Infinity ? tf.maximum(x, tf.scalar(min)) : x;
    return [max < Infinity ? tf.minimum(raised, tf.scalar(max)) : raised];
  },
});

function bound(constant: Tensor | undefined, name: string): number | undefined {
  return constant && toScalar(constant, name);
}
