/** Small cases of every operator, each at least once in a configuration that is not its default. */
import type { Tensor } from '../../converters/model.js';
import {
  bools,
  floats,
  floatsOf,
  giving,
  ints,
  op,
  positive,
  scalar,
  storing,
  type Attributes,
  type Case,
} from './operator-cases.js';
import { IMAGE_GRID } from './operator-grid-images.js';

export const IMAGE = floats([2, 4, 7, 6]);
const WINDOWS: readonly Attributes[] = [
  {},
  { strides: [2, 2], pads: [1, 1, 1, 1] },
  { strides: [2, 1], pads: [0, 1, 2, 1] },
  { auto_pad: 'SAME_UPPER', strides: [2, 2] },
  { auto_pad: 'SAME_LOWER', strides: [2, 2] },
  { auto_pad: 'VALID', strides: [1, 2] },
];
const CEIL: readonly Attributes[] = [
  { ceil_mode: 1, strides: [2, 2] },
  { ceil_mode: 1, strides: [2, 2], pads: [1, 1, 1, 1] },
  { ceil_mode: 1, strides: [3, 3], pads: [0, 0, 1, 1] },
];

const CONVOLUTIONS = [
  ...WINDOWS.map((window) => op('Conv', 11, [IMAGE, floats([3, 4, 3, 3], 2), floats([3], 3)], window)),
  op('Conv', 7, [IMAGE, floats([5, 4, 1, 1], 2)], { strides: [2, 2], kernel_shape: [1, 1] }),
  op('Conv', 22, [IMAGE, floats([3, 4, 2, 3], 2)], { dilations: [3, 2], pads: [1, 2, 0, 1] }),
  op('Conv', 11, [IMAGE, floats([4, 1, 3, 3], 2), floats([4], 3)], { group: 4, pads: [1, 1, 1, 1] }),
  op('Conv', 11, [IMAGE, floats([8, 1, 3, 3], 2)], { group: 4, strides: [2, 2] }),
  op('Conv', 11, [IMAGE, floats([8, 1, 3, 3], 2)], { group: 4, strides: [2, 1] }),
  op('Conv', 11, [IMAGE, floats([6, 2, 3, 3], 2), floats([6], 3)], { group: 2, strides: [2, 1] }),
  op('Conv', 11, [IMAGE, floats([4, 1, 2, 2], 2)], { group: 4, dilations: [2, 3] }),
  storing([1, 2], op('Conv', 11, [IMAGE, floats([3, 4, 3, 3], 2), floats([3], 3)], { pads: [1, 1, 1, 1] })),
];

const POOLS = [
  ...[...WINDOWS, ...CEIL].map((window) => op('MaxPool', 12, [IMAGE], { ...window, kernel_shape: [3, 2] })),
  ...[...WINDOWS, ...CEIL].flatMap((window) =>
    [0, 1].map((count) =>
      op('AveragePool', 19, [IMAGE], { ...window, kernel_shape: [3, 2], count_include_pad: count }),
    ),
  ),
  // ONNX's own test_averagepool_2d_ceil_last_window_starts_on_pad.
  op('AveragePool', 22, [floats([1, 3, 2, 2])], {
    ceil_mode: 1,
    count_include_pad: 1,
    kernel_shape: [3, 3],
    pads: [1, 1, 1, 1],
    strides: [3, 3],
  }),
  op('GlobalAveragePool', 7, [IMAGE]),
  op('GlobalMaxPool', 22, [IMAGE]),
];

const ELEMENTWISE = [
  ...[
    'Abs',
    'Neg',
    'Relu',
    'Sigmoid',
    'Tanh',
    'Softplus',
    'Exp',
    'Elu',
    'LeakyRelu',
    'Erf',
    'HardSigmoid',
    'Sign',
  ].map((opType) => op(opType, 13, [IMAGE])),
  ...['Sqrt', 'Log', 'Reciprocal'].map((opType) => op(opType, 13, [positive([2, 3])])),
  op('HardSwish', 14, [{ ...IMAGE, data: (IMAGE.data as Float32Array).map((x) => 2 * x) }]),
  op('LeakyRelu', 7, [IMAGE], { alpha: { float: 0.25 } }),
  op('Elu', 22, [IMAGE], { alpha: { float: 1.75 } }),
  op('HardSigmoid', 7, [IMAGE], { alpha: { float: 0.5 }, beta: { float: 0.25 } }),
  op('PRelu', 16, [IMAGE, floats([4, 1, 1], 2)]),
  op('PRelu', 9, [IMAGE, floats([1], 2)]),
  op('Gelu', 20, [IMAGE]),
  op('Gelu', 20, [IMAGE], { approximate: 'tanh' }),
  op('Clip', 7, [IMAGE], { min: { float: 0 }, max: { float: 1.5 } }),
  op('Clip', 7, [IMAGE], { max: { float: 0.5 } }),
  op('Clip', 13, [IMAGE, scalar(0), scalar(6)]),
  op('Clip', 13, [IMAGE, undefined, scalar(0.5)]),
  op('Clip', 13, [IMAGE, scalar(-0.5)]),
  op('Clip', 13, [IMAGE, scalar(1), scalar(-1)]),
  ...['Add', 'Sub', 'Mul', 'Div'].flatMap((opType) => [
    op(opType, 14, [IMAGE, positive([4, 1, 1], 2)]),
    op(opType, 7, [floats([3, 1]), positive([2, 1, 4], 2)]),
  ]),
  ...['Max', 'Min', 'Sum'].flatMap((opType) => [
    op(opType, 13, [IMAGE, floats([6], 2), floats([4, 1, 1], 3)]),
    op(opType, 8, [IMAGE]),
  ]),
  ...[2, 0.5, 3, -1].map((power) => storing([1], op('Pow', 13, [positive([2, 3]), scalar(power)]))),
  storing([1], op('Pow', 13, [floats([2, 3]), scalar(3)])),
  storing([1], op('Pow', 12, [floats([3]), floatsOf([1, 1], 2)])),
  op('Pow', 7, [positive([2, 3]), floats([3], 2)]),
  giving('float', op('Where', 16, [bools([4, 1, 6]), IMAGE, floats([2, 1, 7, 1], 2)])),
  op('Cast', 13, [IMAGE], { to: 1 }),
  giving('int32', op('Cast', 19, [IMAGE], { to: 6 })),
  giving('bool', op('Cast', 9, [IMAGE], { to: 9 })),
  giving('float', op('Cast', 13, [bools([2, 3])], { to: 1 })),
  op('CastLike', 15, [IMAGE, scalar(0)]),
  giving('int32', op('CastLike', 19, [IMAGE, { type: 'int32', dims: [1], data: Int32Array.of(0) }])),
];

const LOGIC = [
  ...['Equal', 'Greater', 'GreaterOrEqual', 'Less', 'LessOrEqual'].flatMap((opType) => [
    giving('bool', op(opType, 16, [floatsOf([2, 1, 2], 1, 2, 3, 0), floatsOf([2, 1], 2, 1)])),
    giving('bool', op(opType, 13, [ints(1, 2, 3), ints(3, 2, 1)])),
  ]),
  ...['And', 'Or'].map((opType) => op(opType, 7, [bools([2, 3]), bools([3], 2)])),
  op('Not', 1, [bools([2, 3])]),
];

/** Of constants and shapes alone. */
const CONSTANTS = [
  ...['Floor', 'Ceil'].flatMap((opType) => [-2.5, 1.25].map((x) => op(opType, 13, [scalar(x)]))),
  ...[0, 1].map((fmod) => op('Mod', 13, [ints(7, -7, 7, -7), ints(3, 3, -3, -3)], { fmod })),
  op('Range', 11, [scalar(1), scalar(4.5), scalar(0.5)]),
  op(
    'Range',
    11,
    [ints(9), ints(2), ints(-3)].map((tensor) => ({ ...tensor, dims: [] })),
  ),
  giving('int64', op('Shape', 13, [IMAGE])),
  giving('int64', op('Shape', 15, [IMAGE], { start: 1, end: -1 })),
  giving('int64', op('Size', 13, [IMAGE])),
  op('Constant', 9, [], { value: floats([2, 3]) }),
  op('Constant', 12, [], { value_floats: { floats: [0.5, -2] } }),
  giving('int64', op('Constant', 13, [], { value_ints: [3, 4] })),
  giving('float', op('ConstantOfShape', 9, [ints(2, 3)])),
  op('ConstantOfShape', 20, [ints(2, 3)], { value: ints(-7) }),
];

const REDUCTIONS = [
  ...['ReduceMean', 'ReduceSum', 'ReduceMax', 'ReduceMin'].flatMap((opType) => reductions(opType, IMAGE)),
  // Of a few factors only, and one of them 0.
  ...reductions('ReduceProd', positive([2, 3, 2, 2])),
  op('ReduceProd', 13, [floatsOf([2, 3], 2, 0, 3, -1, 0.5, 4)], { axes: [1] }),
];

function reductions(opType: string, x: Tensor): Case[] {
  const old = opType === 'ReduceSum' ? 11 : 13;
  return [
    op(opType, old, [x]),
    op(opType, old, [x], { axes: [2, -1], keepdims: 0 }),
    op(opType, 18, [x, ints(-1, 1)]),
    op(opType, 18, [x, ints(0)], { keepdims: 0 }),
    op(opType, 18, [x], { noop_with_empty_axes: 1 }),
  ];
}

const LINEAR = [
  op('Gemm', 13, [floats([2, 3]), floats([3, 5], 2), floats([5], 3)]),
  op('Gemm', 7, [floats([3, 2]), floats([5, 3], 2), floats([2, 1], 3)], {
    transA: 1,
    transB: 1,
    alpha: { float: 0.5 },
    beta: { float: -2 },
  }),
  op('Gemm', 11, [floats([2, 3]), floats([3, 5], 2)], { alpha: { float: 3 } }),
  op('MatMul', 13, [floats([2, 3]), floats([3, 5], 2)]),
  op('MatMul', 13, [floats([2, 4, 3]), floats([3, 5], 2)]),
  op('MatMul', 13, [floats([2, 1, 4, 3]), floats([3, 3, 5], 2)]),
  op('MatMul', 13, [floats([2, 1, 2, 1, 3]), floats([2, 1, 3, 4], 2)]),
  op('MatMul', 9, [floats([3]), floats([2, 3, 5], 2)]),
  op('MatMul', 9, [floats([2, 4, 3]), floats([3], 2)]),
  ...['Softmax', 'LogSoftmax'].flatMap((opType) => [
    op(opType, 11, [floats([2, 3, 4])]),
    op(opType, 9, [floats([2, 3, 4])], { axis: 2 }),
    op(opType, 13, [floats([2, 3, 4])]),
    op(opType, 13, [floats([2, 3, 4])], { axis: 1 }),
  ]),
  op('BatchNormalization', 9, [IMAGE, floats([4], 2), floats([4], 3), floats([4], 4), positive([4], 5)], {
    epsilon: { float: 1e-3 },
  }),
  op('BatchNormalization', 15, [
    floats([5, 4]),
    floats([4], 2),
    floats([4], 3),
    floats([4], 4),
    positive([4], 5),
  ]),
];

const MOVEMENT = [
  op('Flatten', 9, [IMAGE], { axis: 2 }),
  op('Flatten', 13, [IMAGE], { axis: -1 }),
  op('Reshape', 13, [IMAGE, ints(0, -1)]),
  op('Reshape', 14, [IMAGE, ints(2, 0, 42)]),
  op('Transpose', 13, [IMAGE]),
  op('Transpose', 13, [IMAGE], { perm: [0, 2, 3, 1] }),
  op('Squeeze', 11, [floats([1, 3, 1, 2])], { axes: [-2] }),
  op('Squeeze', 13, [floats([1, 3, 1, 2])]),
  op('Unsqueeze', 11, [floats([3, 2])], { axes: [0, 3] }),
  op('Unsqueeze', 13, [floats([3, 2]), ints(-1, 1)]),
  op('Concat', 13, [IMAGE, floats([2, 1, 7, 6], 2)], { axis: -3 }),
  op('Split', 11, [IMAGE], { axis: 1, split: [1, 3] }, 2),
  op('Split', 13, [IMAGE, ints(2, 2, 2)], { axis: -1 }, 3),
  op('Split', 18, [IMAGE], { axis: 2, num_outputs: 3 }, 3),
  op('Slice', 9, [IMAGE], { starts: [1, -3], ends: [9, -1], axes: [1, 2] }),
  op('Slice', 13, [IMAGE, ints(0, 0), ints(2 ** 53, 6), ints(2, 3), ints(2, 2)]),
  op('Slice', 13, [IMAGE, ints(1, -1), ints(7, -100), ints(2, 3), ints(3, -2)]),
  op('Slice', 13, [IMAGE, ints(-1), ints(-6), ints(2), ints(-1)]),
  op('Slice', 13, [floats([1, 1, 2, 2]), ints(0, 0), ints(2, 2), ints(2, 3), ints(2, 2)]),
  op('Pad', 9, [IMAGE], { pads: [0, 1, 2, 0, 0, 1, 0, 3], value: { float: 0.5 } }),
  op('Pad', 13, [IMAGE, ints(0, 2, -1, 0, 0, 2, 1, -2)]),
  op('Pad', 13, [IMAGE, ints(0, 0, 2, 1, 0, 0, 3, 0)], { mode: 'reflect' }),
  op('Pad', 13, [IMAGE, ints(0, 0, 2, 1, 0, 0, 3, 0)], { mode: 'edge' }),
  op('Pad', 18, [IMAGE, ints(1, 2), scalar(-1), ints(-1)]),
  op('Pad', 19, [IMAGE, ints(2, 1, 0, 3), undefined, ints(2, 3)], { mode: 'wrap' }),
  op('Gather', 13, [IMAGE, { ...ints(-1), dims: [] }], { axis: 1 }),
  op('Gather', 13, [IMAGE, { ...ints(2, 0, -1, 3), dims: [2, 2] }], { axis: 1 }),
  op('Expand', 13, [floats([4, 1]), ints(2, 1, 3)]),
  op('Expand', 8, [floats([1, 2, 1, 3, 1]), ints(2, 2, 2, 1, 2)]),
  op('Tile', 13, [floats([2, 3]), ints(2, 3)]),
  op('Tile', 6, [floats([1, 2, 1, 2, 1]), ints(1, 2, 3, 1, 2)]),
  op('Identity', 13, [IMAGE]),
  op('Dropout', 13, [IMAGE, scalar(0.25)]),
  op('Dropout', 7, [IMAGE], { ratio: { float: 0.75 } }),
];

/** Of every operator of the registry, at least one. */
export const GRID: readonly Case[] = [
  CONVOLUTIONS,
  POOLS,
  ELEMENTWISE,
  LOGIC,
  CONSTANTS,
  REDUCTIONS,
  LINEAR,
  MOVEMENT,
  IMAGE_GRID,
].flat();

/** Operators without a gradient, and why; all others have theirs compared with PyTorch's and with differences. */
export const WITHOUT_GRADIENT: ReadonlyMap<string, string> = new Map([
  ...['Equal', 'Greater', 'GreaterOrEqual', 'Less', 'LessOrEqual'].map(
    (opType) => [opType, 'yields bool; constant wherever it does not jump'] as const,
  ),
  ...['ArgMax', 'ArgMin'].map((opType) => [opType, 'yields positions'] as const),
  ...['And', 'Or', 'Not'].map((opType) => [opType, 'bool to bool'] as const),
  ...['Constant', 'ConstantOfShape', 'Range'].map((opType) => [opType, 'has no float input'] as const),
  ...['Shape', 'Size'].map((opType) => [opType, 'depends on the shape of its input alone'] as const),
  ...['Mod'].map((opType) => [opType, 'of constants alone, in arithmetic on shapes'] as const),
]);
