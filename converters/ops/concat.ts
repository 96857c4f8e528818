import type { Tensor } from '../model.js';
import { defineOp, requiredInt, type Shape } from './define-op.js';
import { allocate } from './support/constants.js';
import { normalizeAxis, shapeError, show, sizeOf } from './support/shapes.js';

export const Concat = defineOp('Concat', {
  since: [4, 11, 13],
  inputs: [1, Infinity],
  outputs: [1, 1],
  attributes: { axis: requiredInt() },
  shape: (inputs, { axis }) => [joined(inputs, normalizeAxis(axis, inputs[0].length))],
  fold: (inputs, { axis }, { outputShapes: [dims] }) => [
    join(inputs, dims, normalizeAxis(axis, dims.length)),
  ],
  forward: (tf, inputs, { axis }) => [tf.concat([...inputs], normalizeAxis(axis, inputs[0].rank))],
});

function joined(shapes: readonly Shape[], axis: number): number[] {
  const [first] = shapes;
  for (const shape of shapes) {
    if (shape.length !== first.length || shape.some((dim, i) => i !== axis && dim !== first[i])) {
      throw shapeError(`${show(first)} and ${show(shape)} cannot be joined along axis ${axis}.`);
    }
  }
  return first.map((dim, i) => (i === axis ? shapes.reduce((sum, shape) => sum + shape[i], 0) : dim));
}

/** Copies, row after row of the axes before `axis`, the inputs' blocks. */
function join(inputs: readonly Tensor[], dims: Shape, axis: number): Tensor {
  const data = allocate(inputs[0].type, sizeOf(dims));
  const rows = sizeOf(dims.slice(0, axis));
  let offset = 0;
  for (let row = 0; row < rows; row++) {
    for (const input of inputs) {
      const block = input.data.length / rows;
      data.set(input.data.subarray(row * block, (row + 1) * block) as never, offset);
      offset += block;
    }
  }
  return { type: inputs[0].type, dims, data };
}
