import { defineOp, int, optionalInt, optionalInts, type Shape } from './define-op.js';
import { integersOf } from './support/axes.js';
import { rearrange } from './support/constants.js';
import { normalizeAxis, shapeError, show, stridesOf } from './support/shapes.js';

/** Parts along an axis: sizes from `split` (an attribute before opset 13), else equal, the last one smaller. */
export const Split = defineOp('Split', {
  since: [2, 11, 13, 18],
  inputs: [1, 2],
  outputs: [1, Infinity],
  constantInputs: [1],
  attributes: {
    axis: int(0),
    split: optionalInts({ before: 13 }),
    num_outputs: optionalInt({ since: 18 }),
  },
  shape([x], attributes, { constants, outputCount }) {
    const axis = normalizeAxis(attributes.axis, x.length);
    const sizes =
      integersOf(attributes.split, constants[1], 'sizes') ??
      equalParts(x[axis], attributes.num_outputs ?? outputCount);
    if (sizes.length !== outputCount || sizes.reduce((sum, size) => sum + size, 0) !== x[axis]) {
      throw shapeError(`sizes ${show(sizes)} do not split ${x[axis]} into ${outputCount} parts.`);
    }
    return sizes.map((size) => x.map((dim, i) => (i === axis ? size : dim)));
  },
  fold([x], { axis }, { outputShapes }) {
    const along = normalizeAxis(axis, x.dims.length);
    const strides = stridesOf(x.dims);
    const starts = startsOf(outputShapes, along);
    return outputShapes.map((dims, part) =>
      rearrange(x, dims, (at) =>
        strides.reduce((index, stride, i) => index + stride * (at[i] + (i === along ? starts[part] : 0)), 0),
      ),
    );
  },
  forward(tf, [x], { axis }, { outputShapes }) {
    const along = normalizeAxis(axis, x.rank);
    return startsOf(outputShapes, along).map((start, part) =>
      tf.slice(
        x,
        x.shape.map((_, i) => (i === along ? start : 0)),
        [...outputShapes[part]],
      ),
    );
  },
});

function equalParts(size: number, count: number): number[] {
  const part = Math.ceil(size / count);
  return Array.from({ length: count }, (_, i) => Math.max(Math.min(part, size - i * part), 0));
}

function startsOf(parts: readonly Shape[], axis: number): number[] {
  let start = 0;
  return parts.map((part) => {
    start += part[axis];
    return start - part[axis];
  });
}
