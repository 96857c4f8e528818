import type { Tensor } from '../model.js';
import { defineOp } from './define-op.js';
import { isInteger, tensorOf, toScalar } from './support/constants.js';
import { shapeError } from './support/shapes.js';

/** start, start + delta, ... up to but without limit. */
export const Range = defineOp('Range', {
  since: [11],
  inputs: [3, 3],
  outputs: [1, 1],
  constantInputs: [0, 1, 2],
  attributes: {},
  shape: (_, __, { constants: [start, limit, delta] }) => [[lengthOf(start!, limit!, delta!)]],
  fold(inputs, _, { outputShapes: [shape] }) {
    const [start, , delta] = inputs.map((input) => toScalar(input!, 'bound'));
    const { type } = inputs[0];
    const values = Array.from({ length: shape[0] }, (__, i) => start + i * delta);
    return [tensorOf(type, shape, isInteger(type) ? values.map(BigInt) : values)];
  },
});

function lengthOf(start: Tensor, limit: Tensor, delta: Tensor): number {
  const [from, to, step] = [start, limit, delta].map((tensor) => toScalar(tensor, 'bound'));
  if (step === 0) throw shapeError('its delta is 0.');
  return Math.max(Math.ceil((to - from) / step), 0);
}
