import {
  defineOp,
  requiredInts,
  optionalInts,
  type Attributes,
  type Shape,
  type ShapeContext,
} from './define-op.js';
import { integersOf } from './support/axes.js';
import { rearrange } from './support/constants.js';
import { attributeError, normalizeAxis, shapeError, stridesOf } from './support/shapes.js';
import { take, type Cut } from './support/take.js';

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
