import { encodeModel, type AttributeSpec } from '../../converters/encode.js';
import type { Graph, Tensor } from '../../converters/model.js';
import { findOperator } from '../../converters/ops/index.js';

/** Deterministic values in (-2, 2), neither ordered nor repeated. */
export function floats(dims: readonly number[], seed = 1): Tensor {
  const length = dims.reduce((product, dim) => product * dim, 1);
  const data = Float32Array.from({ length }, (_, i) => 2 * Math.sin((i + 1) * 78.233 + seed * 37.719));
  return { type: 'float', dims, data };
}

export function positive(dims: readonly number[], seed = 1): Tensor {
  const tensor = floats(dims, seed);
  return { ...tensor, data: (tensor.data as Float32Array).map((x) => Math.abs(x) + 0.1) };
}

export function ints(...values: number[]): Tensor {
  return { type: 'int64', dims: [values.length], data: BigInt64Array.from(values, BigInt) };
}

export function scalar(value: number): Tensor {
  return { type: 'float', dims: [], data: Float32Array.of(value) };
}

export type Attributes = Readonly<Record<string, AttributeSpec>>;

export interface Case {
  readonly opType: string;
  readonly opset: number;
  readonly inputs: readonly (Tensor | undefined)[];
  readonly attributes: Attributes;
  readonly outputs: number;
}

export function op(
  opType: string,
  opset: number,
  inputs: readonly (Tensor | undefined)[],
  attributes: Attributes = {},
  outputs = 1,
): Case {
  return { opType, opset, inputs, attributes, outputs };
}

export function encode({ opType, opset, inputs, attributes, outputs }: Case): Uint8Array {
  const definition = findOperator({ domain: '', opType }, opset)!;
  const names = inputs.map((tensor, i) => (tensor ? `x${i}` : ''));
  const named = inputs.flatMap((tensor, i) => (tensor ? [[names[i], tensor, i] as const] : []));
  const isFixed = (i: number) => definition.constantInputs.includes(i);
  const results = Array.from({ length: outputs }, (_, i) => `y${i}`);
  return encodeModel({
    opset,
    irVersion: 8,
    nodes: [{ opType, inputs: names, outputs: results, attributes }],
    initializers: new Map(named.filter(([, , i]) => isFixed(i)).map(([name, tensor]) => [name, tensor])),
    inputs: named
      .filter(([, , i]) => !isFixed(i))
      .map(([name, { type, dims }]) => ({ name, type, shape: dims })),
    // Of any rank: shapes are what is tested.
    outputs: results.map((name) => ({ name, type: named[0][1].type, shape: [] })),
  });
}

export function graphInputs({ inputs }: Case, graph: Graph): Map<string, Tensor> {
  return new Map(graph.inputs.map(({ name }) => [name, inputs[Number(name.slice(1))]!]));
}

export const IMAGE = floats([2, 4, 7, 6]);
export const WINDOWS: readonly Attributes[] = [
  {},
  { strides: [2, 2], pads: [1, 1, 1, 1] },
  { strides: [2, 1], pads: [0, 1, 2, 1] },
  { auto_pad: 'SAME_UPPER', strides: [2, 2] },
  { auto_pad: 'SAME_LOWER', strides: [2, 2] },
  { auto_pad: 'VALID', strides: [1, 2] },
];
export const CEIL: readonly Attributes[] = [
  { ceil_mode: 1, strides: [2, 2] },
  { ceil_mode: 1, strides: [2, 2], pads: [1, 1, 1, 1] },
  { ceil_mode: 1, strides: [3, 3], pads: [0, 0, 1, 1] },
];

export const CONVOLUTIONS = [
  ...WINDOWS.map((window) => op('Conv', 11, [IMAGE, floats([3, 4, 3, 3], 2), floats([3], 3)], window)),
  op('Conv', 7, [IMAGE, floats([5, 4, 1, 1], 2)], { strides: [2, 2], kernel_shape: [1, 1] }),
  op('Conv', 22, [IMAGE, floats([3, 4, 2, 3], 2)], { dilations: [3, 2], pads: [1, 2, 0, 1] }),
  op('Conv', 11, [IMAGE, floats([4, 1, 3, 3], 2), floats([4], 3)], { group: 4, pads: [1, 1, 1, 1] }),
  op('Conv', 11, [IMAGE, floats([8, 1, 3, 3], 2)], { group: 4, strides: [2, 2] }),
  op('Conv', 11, [IMAGE, floats([8, 1, 3, 3], 2)], { group: 4, strides: [2, 1] }),
  op('Conv', 11, [IMAGE, floats([6, 2, 3, 3], 2), floats([6], 3)], { group: 2, strides: [2, 1] }),
  op('Conv', 11, [IMAGE, floats([4, 1, 2, 2], 2)], { group: 4, dilations: [2, 3] }),
];

export const POOLS = [
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

export const ELEMENTWISE = [
  ...['Abs', 'Neg', 'Relu', 'Sigmoid', 'Tanh', 'Softplus', 'Exp', 'Reciprocal', 'Elu', 'LeakyRelu'].map(
    (opType) => op(opType, 13, [IMAGE]),
  ),
  ...['Erf', 'HardSigmoid', 'Sign'].map((opType) => op(opType, 13, [IMAGE])),
  ...['Sqrt', 'Log'].map((opType) => op(opType, 13, [positive([2, 3])])),
  op('HardSwish', 14, [IMAGE]),
  op('LeakyRelu', 7, [IMAGE], { alpha: { float: 0.25 } }),
  op('Elu', 22, [IMAGE], { alpha: { float: 1.75 } }),
  op('HardSigmoid', 7, [IMAGE], { alpha: { float: 0.5 }, beta: { float: 0.25 } }),
  op('PRelu', 16, [IMAGE, floats([4, 1, 1], 2)]),
  op('Gelu', 20, [IMAGE]),
  op('Gelu', 20, [IMAGE], { approximate: 'tanh' }),
  op('Clip', 7, [IMAGE], { min: { float: 0 }, max: { float: 1.5 } }),
  op('Clip', 7, [IMAGE], { max: { float: 0.5 } }),
  op('Clip', 13, [IMAGE, scalar(0), scalar(6)]),
  op('Clip', 13, [IMAGE, undefined, scalar(0.5)]),
  op('Clip', 13, [IMAGE, scalar(-0.5)]),
  ...['Add', 'Sub', 'Mul', 'Div'].flatMap((opType) => [
    op(opType, 14, [IMAGE, floats([4, 1, 1], 2)]),
    op(opType, 7, [floats([3, 1]), positive([2, 1, 4], 2)]),
  ]),
  ...['Max', 'Min', 'Sum'].flatMap((opType) => [
    op(opType, 13, [IMAGE, floats([6], 2), floats([4, 1, 1], 3)]),
    op(opType, 8, [IMAGE]),
  ]),
  ...[2, 0.5, 3, -1].map((power) => op('Pow', 13, [positive([2, 3]), scalar(power)])),
  op('Pow', 7, [positive([2, 3]), floats([3], 2)]),
];

export const REDUCTIONS = ['ReduceMean', 'ReduceSum', 'ReduceMax', 'ReduceMin', 'ReduceProd'].flatMap(
  (opType) => {
    const old = opType === 'ReduceSum' ? 11 : 13;
    return [
      op(opType, old, [IMAGE]),
      op(opType, old, [IMAGE], { axes: [2, -1], keepdims: 0 }),
      op(opType, 18, [IMAGE, ints(-1, 1)]),
      op(opType, 18, [IMAGE, ints(0)], { keepdims: 0 }),
      op(opType, 18, [IMAGE], { noop_with_empty_axes: 1 }),
    ];
  },
);

export const LINEAR = [
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

export const MOVEMENT = [
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
  op('Pad', 9, [IMAGE], { pads: [0, 1, 2, 0, 0, 1, 0, 3], value: { float: 0.5 } }),
  op('Pad', 13, [IMAGE, ints(0, 2, -1, 0, 0, 2, 1, -2)]),
  op('Pad', 13, [IMAGE, ints(0, 0, 2, 1, 0, 0, 3, 0)], { mode: 'reflect' }),
  op('Pad', 13, [IMAGE, ints(0, 0, 2, 1, 0, 0, 3, 0)], { mode: 'edge' }),
  op('Pad', 18, [IMAGE, ints(1, 2), scalar(-1), ints(-1)]),
  op('Pad', 19, [IMAGE, ints(2, 1, 0, 3), undefined, ints(2, 3)], { mode: 'wrap' }),
  op('Gather', 13, [IMAGE, { ...ints(-1), dims: [] }], { axis: 1 }),
  op('Gather', 13, [IMAGE, { ...ints(2, 0, -1, 3), dims: [2, 2] }], { axis: 1 }),
  op('Expand', 13, [floats([4, 1]), ints(2, 1, 3)]),
  op('Tile', 13, [floats([2, 3]), ints(2, 3)]),
  op('Identity', 13, [IMAGE]),
  op('Dropout', 13, [IMAGE]),
  op('Cast', 13, [IMAGE], { to: 1 }),
];

export const GRID = [CONVOLUTIONS, POOLS, ELEMENTWISE, REDUCTIONS, LINEAR, MOVEMENT].flat();
