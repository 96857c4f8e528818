import type * as tfjs from '@tensorflow/tfjs-core';
import {
  defineOp,
  requiredInts,
  optionalInts,
  type Attributes,
  type Shape,
  type ShapeContext,
  type Tf,
} from './define-op.js';
import { integersOf } from './support/axes.js';
import { rearrange } from './support/constants.js';
import { attributeError, normalizeAxis, shapeError, sizeOf, stridesOf } from './support/shapes.js';

const attributes = {
  starts: requiredInts({ before: 10 }),
  ends: requiredInts({ before: 10 }),
  axes: optionalInts({ before: 10 }),
};

/** x[start:end:step] as in NumPy, bounds clamped. Attributes before opset 10, inputs since. */
export const Slice = defineOp('Slice', {
  since: [1, 10, 11, 13],
  inputs: [1, 5],
  outputs: [1, 1],
  constantInputs: [1, 2, 3, 4],
  attributes,
  shape: ([x], values, context) => [cutsOf(x, values, context).map(({ length }) => length)],
  fold([x], values, context) {
    const cuts = cutsOf(x.dims, values, context);
    const strides = stridesOf(x.dims);
    return [
      rearrange(x, context.outputShapes[0], (at) =>
        cuts.reduce((index, { start, step }, axis) => index + strides[axis] * (start + step * at[axis]), 0),
      ),
    ];
  },
  forward: (tf, [x], values, context) => [take(tf, x, cutsOf(x.shape, values, context))],
});

/** `length` elements of one axis: start, start + step, ... */
interface Cut {
  readonly start: number;
  readonly step: number;
  readonly length: number;
}

function cutsOf(shape: Shape, values: Attributes<typeof attributes>, { constants }: ShapeContext): Cut[] {
  const starts = integersOf(values.starts, constants[1], 'starts');
  const ends = integersOf(values.ends, constants[2], 'ends');
  if (starts === undefined || ends?.length !== starts.length) {
    throw attributeError('it needs as many ends as starts.');
  }
  const axes = integersOf(values.axes, constants[3], 'axes') ?? starts.map((_, i) => i);
  const steps = integersOf(undefined, constants[4], 'steps') ?? starts.map(() => 1);
  const cuts: Cut[] = shape.map((length) => ({ start: 0, step: 1, length }));
  axes.forEach((axis, i) => {
    const along = normalizeAxis(axis, shape.length);
    cuts[along] = cut(shape[along], starts[i], ends[i], steps[i]);
  });
  return cuts;
}

/** Negative bounds count from the back; bounds beyond an end stop there, so INT64_MAX means "to the end". */
function cut(size: number, from: number, to: number, step: number): Cut {
  if (!Number.isInteger(step) || step === 0) throw shapeError(`step ${step} is not allowed.`);
  const clamp = (bound: number, low: number, high: number) =>
    Math.max(low, Math.min(high, bound < 0 ? bound + size : bound));
  const [start, end] =
    step > 0
      ? [clamp(from, 0, size), clamp(to, 0, size)]
      : [clamp(from, 0, size - 1), clamp(to, -1, size - 1)];
  return { start, step, length: Math.max(Math.ceil((end - start) / step), 0) };
}

/** First the range each cut spans, in whole steps where the axis is long enough, then every step-th element of it. */
function take(tf: Tf, x: tfjs.Tensor, cuts: readonly Cut[]): tfjs.Tensor {
  const spans = cuts.map(({ start, step, length }, axis) => {
    if (length === 0) return 0;
    return step > 0 ? Math.min(length * step, x.shape[axis] - start) : (length - 1) * -step + 1;
  });
  const starts = cuts.map(({ start, step, length }) => (step > 0 ? start : start + (length - 1) * step));
  const whole = spans.every((span, axis) => span === x.shape[axis]);
  const spanned = whole ? x : tf.slice(x, starts, spans);
  const backward = cuts.flatMap(({ step }, axis) => (step < 0 ? [axis] : []));
  const ahead = backward.length > 0 ? tf.reverse(spanned, backward) : spanned;
  return cuts.reduce((y, { step, length }, axis) => everyNth(tf, y, axis, Math.abs(step), length), ahead);
}

/**
 * Elements 0, n, 2n, ... of an axis. tfjs' stridedSlice has no gradient; filling the axis up to a multiple of n,
 * splitting it in two and keeping the first of each n does the same with operations that have one.
 */
function everyNth(tf: Tf, x: tfjs.Tensor, axis: number, n: number, length: number): tfjs.Tensor {
  if (x.shape[axis] === length) return x;
  const missing = length * n - x.shape[axis];
  const filled =
    missing > 0
      ? tf.pad(
          x,
          x.shape.map((_, i) => [0, i === axis ? missing : 0]),
        )
      : x;
  const outer = sizeOf(x.shape.slice(0, axis));
  const inner = sizeOf(x.shape.slice(axis + 1));
  const rows = tf.reshape(filled, [outer, length, n, inner]);
  const kept = tf.slice(rows, [0, 0, 0, 0], [outer, length, 1, inner]);
  return tf.reshape(
    kept,
    x.shape.map((dim, i) => (i === axis ? length : dim)),
  );
}
