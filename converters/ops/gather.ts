import { defineOp, int, type Shape } from './define-op.js';
import { rearrange, toIntegers } from './support/constants.js';
import { gather } from './support/gradients.js';
import { normalizeAxis, shapeError, sizeOf, stridesOf } from './support/shapes.js';

/** Entries along an axis; the indices' shape takes the place of that axis. Negative indices count from the back. */
export const Gather = defineOp('Gather', {
  since: [1, 11, 13],
  inputs: [2, 2],
  outputs: [1, 1],
  constantInputs: [1],
  attributes: { axis: int(0) },
  shape([x, indices], { axis }) {
    const along = normalizeAxis(axis, x.length);
    return [[...x.slice(0, along), ...indices, ...x.slice(along + 1)]];
  },
  fold([x, indices], { axis }, { outputShapes: [dims] }) {
    const along = normalizeAxis(axis, x.dims.length);
    const entries = entriesOf(toIntegers(indices, 'indices'), x.dims[along]);
    const inner = sizeOf(x.dims.slice(along + 1));
    const strides = stridesOf(dims);
    return [
      rearrange(x, dims, (at) => {
        const flat = at.reduce((index, coordinate, i) => index + coordinate * strides[i], 0);
        const row = Math.floor(flat / inner);
        const outer = Math.floor(row / entries.length);
        return (outer * x.dims[along] + entries[row % entries.length]) * inner + (flat % inner);
      }),
    ];
  },
  forward(tf, [x], { axis }, { constants, outputShapes: [shape] }) {
    const along = normalizeAxis(axis, x.rank);
    const entries = entriesOf(toIntegers(constants[1]!, 'indices'), x.shape[along]);
    // One entry is a slice, whose gradient is cheaper.
    const gathered =
      entries.length === 1
        ? tf.slice(x, ...entryAt(x.shape, along, entries[0]))
        : gather(tf, x, entries, along);
    return [tf.reshape(gathered, [...shape])];
  },
});

function entriesOf(indices: readonly number[], size: number): number[] {
  return indices.map((index) => {
    if (index < -size || index >= size) throw shapeError(`index ${index} is out of range for size ${size}.`);
    return index < 0 ? index + size : index;
  });
}

function entryAt(shape: Shape, axis: number, entry: number): [number[], number[]] {
  return [shape.map((_, i) => (i === axis ? entry : 0)), shape.map((dim, i) => (i === axis ? 1 : dim))];
}
