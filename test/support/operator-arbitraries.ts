/** Random cases of the operators whose geometry is rich, small enough to differentiate hundreds of them. */
import fc from 'fast-check';
import { floats, ints, op, positive, scalar, storing, type Attributes, type Case } from './operator-cases.js';

type Arbitrary = fc.Arbitrary<Case>;

const upTo = (most: number, least = 1) => fc.integer({ min: least, max: most });
const pair = (of: fc.Arbitrary<number>) => fc.tuple(of, of);
const shape = (ranks: { minLength: number; maxLength: number }, most = 4) => fc.array(upTo(most), ranks);
const axisOf = (rank: number) => fc.integer({ min: -rank, max: rank - 1 });

interface Moves {
  readonly kernel: readonly [number, number];
  readonly strides: readonly [number, number];
  readonly dilations: readonly [number, number];
  /** top, left, bottom, right */
  readonly pads: readonly number[];
  /** Image size beyond what one window needs. */
  readonly room: readonly [number, number];
}

const size = ({ kernel, dilations, pads, room }: Moves) =>
  kernel.map((taps, axis) => {
    const span = (taps - 1) * dilations[axis] + 1;
    return Math.max(span - pads[axis] - pads[axis + 2], 1) + room[axis];
  });

const moves = (dilation: number) =>
  fc
    .record({
      kernel: pair(upTo(4)),
      strides: pair(upTo(3)),
      dilations: pair(upTo(dilation)),
      pads: fc.tuple(upTo(3, 0), upTo(3, 0), upTo(3, 0), upTo(3, 0)),
      room: pair(upTo(5, 0)),
    })
    // onnxruntime's pools want pads smaller than the kernel; dilated windows have no such limit.
    .map((window) =>
      dilation > 1
        ? window
        : { ...window, pads: window.pads.map((pad, side) => Math.min(pad, window.kernel[side % 2] - 1)) },
    );

/** Dense, grouped, and depthwise with and without multiplier; explicit pads, or SAME, which excludes dilation. */
export const conv: Arbitrary = fc
  .record({
    window: moves(3),
    batch: upTo(2),
    group: upTo(3),
    inputs: upTo(3),
    outputs: upTo(3),
    bias: fc.boolean(),
    fixed: fc.boolean(),
    autoPad: fc.constantFrom('NOTSET', 'NOTSET', 'SAME_UPPER', 'SAME_LOWER', 'VALID'),
  })
  .map(({ window, batch, group, inputs, outputs, bias, fixed, autoPad }) => {
    const { kernel, strides, dilations, pads } = window;
    const padded: Attributes = autoPad === 'NOTSET' ? { pads, dilations } : { auto_pad: autoPad };
    const free =
      autoPad === 'NOTSET' ? window : { ...window, dilations: [1, 1] as const, pads: [0, 0, 0, 0] };
    const tensors = [
      floats([batch, group * inputs, ...size(free)]),
      floats([group * outputs, inputs, ...kernel], 2),
      ...(bias ? [floats([group * outputs], 3)] : []),
    ];
    return storing(fixed ? [1, 2] : [], op('Conv', 11, tensors, { ...padded, strides, group }));
  });

export const pool: Arbitrary = fc
  .record({
    window: moves(1),
    opType: fc.constantFrom('MaxPool', 'AveragePool'),
    channels: upTo(3),
    ceil: upTo(1, 0),
    count: upTo(1, 0),
  })
  .map(({ window, opType, channels, ceil, count }) => {
    const { kernel, strides, pads } = window;
    const counted: Attributes = opType === 'AveragePool' ? { count_include_pad: count } : {};
    const attributes = { kernel_shape: kernel, strides, pads, ceil_mode: ceil, ...counted };
    return op(opType, 19, [floats([2, channels, ...size(window)])], attributes);
  });

/** Crops too, where the mode is constant. */
export const pad: Arbitrary = fc
  .record({
    mode: fc.constantFrom('constant', 'reflect', 'edge', 'wrap'),
    dims: shape({ minLength: 1, maxLength: 4 }),
    amounts: fc.array(fc.integer({ min: -2, max: 3 }), { minLength: 8, maxLength: 8 }),
  })
  .map(({ mode, dims, amounts }) => {
    const limited = [...dims, ...dims].map((dim, i) => {
      const most = { constant: 3, edge: 3, reflect: dim - 1, wrap: dim }[mode];
      // At least one element stays.
      const least = mode === 'constant' ? -Math.floor((dim - 1) / 2) : 0;
      return Math.max(least, Math.min(amounts[i], most));
    });
    return op('Pad', 19, [floats(dims), ints(...limited)], { mode });
  });

export const gemm: Arbitrary = fc
  .record({
    sizes: fc.tuple(upTo(4), upTo(5), upTo(4)),
    transA: upTo(1, 0),
    transB: upTo(1, 0),
    factors: pair(fc.constantFrom(1, -2, 0.5)),
    offset: upTo(4, 0),
  })
  .map(({ sizes: [rows, inner, columns], transA, transB, factors: [alpha, beta], offset }) => {
    const c = [undefined, [columns], [rows, 1], [1, columns], [rows, columns]][offset];
    const a = floats(transA ? [inner, rows] : [rows, inner]);
    const b = floats(transB ? [columns, inner] : [inner, columns], 2);
    const attributes = { transA, transB, alpha: { float: alpha }, beta: { float: beta } };
    return op('Gemm', 13, [a, b, ...(c ? [floats(c, 3)] : [])], attributes);
  });

/** Two shapes that broadcast to one: some axes of size 1, some leading ones missing. */
const broadcastPair = (most: number) =>
  shape({ minLength: 0, maxLength: most }, 3).chain((dims) => {
    const one = fc
      .tuple(fc.array(fc.boolean(), { minLength: dims.length, maxLength: dims.length }), upTo(dims.length, 0))
      .map(([ones, missing]) => dims.map((dim, i) => (ones[i] ? 1 : dim)).slice(missing));
    return fc.tuple(one, one);
  });

export const matMul: Arbitrary = fc
  .record({ batches: broadcastPair(3), sizes: fc.tuple(upTo(3), upTo(4), upTo(3)), vectors: pair(upTo(3)) })
  .map(({ batches: [left, right], sizes: [rows, inner, columns], vectors }) => {
    const a = vectors[0] === 1 ? [inner] : [...left, rows, inner];
    const b = vectors[1] === 1 ? [inner] : [...right, inner, columns];
    return op('MatMul', 13, [floats(a), floats(b, 2)]);
  });

export const binary: Arbitrary = fc
  .record({
    opType: fc.constantFrom('Add', 'Sub', 'Mul', 'Div', 'Pow', 'Max', 'Min', 'Sum', 'PRelu'),
    shapes: broadcastPair(5),
  })
  .map(({ opType, shapes: [left, right] }) => {
    // The slope of PRelu must fit its input.
    const whole = left.length >= right.length && right.every((dim, i) => dim === left.at(i - right.length));
    const slope = opType === 'PRelu' && !whole ? [1] : right;
    const base = opType === 'PRelu' && left.length === 0 ? [1] : left;
    const first = opType === 'Pow' ? positive(base) : floats(base);
    return op(opType, 16, [first, opType === 'Div' ? positive(slope, 2) : floats(slope, 2)]);
  });

export const batchNormalization: Arbitrary = fc
  .record({
    dims: fc.tuple(upTo(3), upTo(3), shape({ minLength: 0, maxLength: 3 })),
    epsilon: fc.constantFrom(1e-5, 0.25),
    fixed: fc.boolean(),
  })
  .map(({ dims: [batch, channels, rest], epsilon, fixed }) => {
    const parameters = [2, 3, 4].map((seed) => floats([channels], seed));
    const tensors = [floats([batch, channels, ...rest]), ...parameters, positive([channels], 5)];
    const attributes = { epsilon: { float: epsilon } };
    return storing(fixed ? [1, 2, 3, 4] : [], op('BatchNormalization', 15, tensors, attributes));
  });

export const reduction: Arbitrary = fc
  .record({
    opType: fc.constantFrom('ReduceMean', 'ReduceSum', 'ReduceMax', 'ReduceMin', 'ReduceProd'),
    dims: shape({ minLength: 1, maxLength: 4 }, 3),
    chosen: fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }),
    fromBack: fc.boolean(),
    keepdims: upTo(1, 0),
  })
  .map(({ opType, dims, chosen, fromBack, keepdims }) => {
    const all = dims.map((_, axis) => axis).filter((axis) => chosen[axis]);
    const axes = all.map((axis) => (fromBack ? axis - dims.length : axis));
    const x = opType === 'ReduceProd' ? positive(dims) : floats(dims);
    return op(opType, 18, axes.length > 0 ? [x, ints(...axes)] : [x], { keepdims });
  });

export const softmax: Arbitrary = fc
  .record({
    opType: fc.constantFrom('Softmax', 'LogSoftmax'),
    opset: fc.constantFrom(11, 13),
    dims: shape({ minLength: 1, maxLength: 4 }),
  })
  .chain(({ opType, opset, dims }) =>
    axisOf(dims.length).map((axis) => op(opType, opset, [floats(dims)], { axis })),
  );

const cut = (dim: number) =>
  fc
    .record({ start: upTo(dim - 1, 0), step: fc.constantFrom(1, 2, 3, -1, -2), count: upTo(dim) })
    .map(({ start, step, count }) => {
      const most = Math.floor((step > 0 ? dim - 1 - start : start) / Math.abs(step)) + 1;
      const end = start + step * Math.min(count, most);
      // Below 0 an end would count from the back.
      return { start, step, end: end < 0 ? -dim - 1 : end };
    });

export const slice: Arbitrary = shape({ minLength: 1, maxLength: 4 }, 5).chain((dims) =>
  fc.tuple(...dims.map(cut)).map((cuts) => {
    const list = (key: 'start' | 'end' | 'step') => ints(...cuts.map((one) => one[key]));
    return op('Slice', 13, [floats(dims), list('start'), list('end'), ints(...dims.keys()), list('step')]);
  }),
);

export const gather: Arbitrary = shape({ minLength: 1, maxLength: 4 })
  .chain((dims) => fc.record({ dims: fc.constant(dims), axis: axisOf(dims.length) }))
  .chain(({ dims, axis }) => {
    const entry = axisOf(dims.at(axis)!);
    return fc.array(entry, { minLength: 1, maxLength: 6 }).map((entries) => {
      const wide = entries.length % 2 === 0 ? [2, entries.length / 2] : [entries.length];
      return op('Gather', 13, [floats(dims), { ...ints(...entries), dims: wide }], { axis });
    });
  });

export const concat: Arbitrary = shape({ minLength: 1, maxLength: 4 })
  .chain((dims) => fc.record({ dims: fc.constant(dims), axis: axisOf(dims.length) }))
  .chain(({ dims, axis }) =>
    fc.array(upTo(3), { minLength: 1, maxLength: 3 }).map((sizes) => {
      const at = axis < 0 ? axis + dims.length : axis;
      const tensors = sizes.map((part, i) =>
        floats(
          dims.map((dim, k) => (k === at ? part : dim)),
          i + 1,
        ),
      );
      return op('Concat', 13, tensors, { axis });
    }),
  );

export const split: Arbitrary = fc
  .record({
    before: shape({ minLength: 0, maxLength: 2 }),
    sizes: fc.array(upTo(3), { minLength: 1, maxLength: 4 }),
    after: shape({ minLength: 0, maxLength: 2 }),
  })
  .map(({ before, sizes, after }) => {
    const x = floats([...before, sizes.reduce((sum, part) => sum + part, 0), ...after]);
    return op('Split', 13, [x, ints(...sizes)], { axis: before.length }, sizes.length);
  });

export const transpose: Arbitrary = shape({ minLength: 1, maxLength: 5 }, 3).chain((dims) =>
  fc
    .shuffledSubarray([...dims.keys()], { minLength: dims.length, maxLength: dims.length })
    .map((perm) => op('Transpose', 13, [floats(dims)], { perm })),
);

export const repeat: Arbitrary = fc
  .record({
    dims: shape({ minLength: 1, maxLength: 5 }, 3),
    counts: shape({ minLength: 5, maxLength: 5 }, 3),
  })
  .map(({ dims, counts }) => op('Tile', 13, [floats(dims), ints(...counts.slice(0, dims.length))]));

export const expand: Arbitrary = broadcastPair(5).map(([from, to]) =>
  op('Expand', 13, [floats(from), ints(...to)]),
);

const bound = fc.constantFrom(undefined, -1, 0, 0.5);

/** Not with one bound for both: a constant, whose gradient nobody may ask for. */
export const clip: Arbitrary = fc
  .record({ dims: shape({ minLength: 0, maxLength: 4 }), bounds: fc.tuple(bound, bound) })
  .filter(({ bounds: [min, max] }) => min === undefined || min !== max)
  .map(({ dims, bounds }) =>
    op('Clip', 13, [floats(dims), ...bounds.map((value) => (value === undefined ? value : scalar(value)))]),
  );
