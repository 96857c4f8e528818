/** Evaluation of nodes whose operands are all constant: what a teacher's weights become before the first step. */
import { stridesOf } from '../../../converters/ops/support/shapes.js';
import { type ConstantData, type NodeAttributes, sizeOf, type Value } from './value.js';

const BINARY: Readonly<Record<string, (a: number, b: number) => number>> = {
  Add: (a, b) => a + b,
  Sub: (a, b) => a - b,
  Mul: (a, b) => a * b,
  Div: (a, b) => a / b,
  Max: Math.max,
  Min: Math.min,
  Pow: Math.pow,
};

const UNARY: Readonly<Record<string, (a: number) => number>> = {
  Neg: (a) => -a,
  Sqrt: Math.sqrt,
  Exp: Math.exp,
  Log: Math.log,
  Abs: Math.abs,
  Reciprocal: (a) => 1 / a,
};

/** The result's elements, or undefined where the node must stay (not constant, or an operator not worth it). */
export function foldConstant(
  op: string,
  inputs: readonly Value[],
  attributes: NodeAttributes,
  shape: readonly number[],
): ConstantData | undefined {
  if (inputs.length === 0 || inputs.some(({ data, type }) => data === undefined || type !== 'float32'))
    return undefined;
  const [x, y] = inputs;
  if (op in BINARY && inputs.length === 2) return foldBinary(BINARY[op], x, y, shape);
  if (op in UNARY) return (x.data as Float32Array).map(UNARY[op]);
  switch (op) {
    case 'Reshape':
      return x.data;
    case 'Transpose':
      return gather(x, shape, permutedStrides(x.shape, attributes['perm'] as readonly number[]), 0);
    case 'Slice':
      return foldSlice(x, attributes, shape);
    case 'Pad':
      return attributes['mode'] === 'constant' ? foldPad(x, attributes, shape) : undefined;
    case 'BlockFilter':
      return foldBlock(x, attributes['block'] as number, shape);
    case 'MirrorFilter':
      return foldMirror(x, attributes['group'] as number);
    default:
      return undefined;
  }
}

const permutedStrides = (shape: readonly number[], perm: readonly number[]): number[] => {
  const strides = stridesOf(shape);
  return perm.map((axis) => strides[axis]);
};

function foldSlice(x: Value, attributes: NodeAttributes, shape: readonly number[]): Float32Array {
  const strides = stridesOf(x.shape);
  let offset = 0;
  const starts = attributes['starts'] as readonly number[];
  const steps = attributes['steps'] as readonly number[];
  (attributes['axes'] as readonly number[]).forEach((axis, index) => {
    offset += starts[index] * strides[axis];
    strides[axis] *= steps[index];
  });
  return gather(x, shape, strides, offset);
}

function foldPad(
  x: Value,
  { pads, value }: NodeAttributes,
  shape: readonly number[],
): Float32Array | undefined {
  const before = (pads as readonly number[]).slice(0, shape.length);
  if ((pads as readonly number[]).some((amount) => amount < 0)) return undefined;
  const result = new Float32Array(sizeOf(shape)).fill(value as number);
  const strides = stridesOf(shape);
  const [width = 1] = x.shape.slice(-1);
  const source = x.data as Float32Array;
  // Row by row of the last axis.
  for (let row = 0; row * width < source.length; row++) {
    let rest = row;
    let at = before[shape.length - 1] ?? 0;
    for (let axis = shape.length - 2; axis >= 0; axis--) {
      at += ((rest % x.shape[axis]) + before[axis]) * strides[axis];
      rest = Math.floor(rest / x.shape[axis]);
    }
    result.set(source.subarray(row * width, (row + 1) * width), at);
  }
  return result;
}

/** w [O,I,kh,kw] to [O/b,I/b,kh,kw,b,b], outputs last (blocked/layout.ts). */
function foldBlock(w: Value, block: number, [outputs, inputs, ...kernel]: readonly number[]): Float32Array {
  const filled = { ...w, shape: [outputs, inputs, ...kernel] };
  const [more, wider] = [outputs - w.shape[0], inputs - w.shape[1]];
  const pads = [0, 0, 0, 0, more, wider, 0, 0];
  const data = more + wider === 0 ? w.data : foldPad(w, { pads, value: 0 }, filled.shape);
  const [height, width] = kernel;
  const strides = [block * inputs, block, 0, 0, 1, inputs].map((stride) => stride * height * width);
  strides[2] = width;
  strides[3] = 1;
  const shape = [outputs / block, inputs / block, height, width, block, block];
  return gather({ ...filled, data: data! }, shape, strides, 0);
}

/** w [O,C/group,kh,kw] to [C,O/group,kh,kw], positions in reverse. */
function foldMirror(w: Value, group: number): Float32Array {
  const [outputs, inputs, height, width] = w.shape;
  const perGroup = outputs / group;
  const strides = [perGroup * inputs, 1, inputs].map((stride) => stride * height * width);
  return gather(w, [group, inputs, perGroup, height, width], [...strides, -width, -1], height * width - 1);
}

/** Reads `x` with one stride per axis of `shape`, from `offset`. */
function gather(
  x: Value,
  shape: readonly number[],
  strides: readonly number[],
  offset: number,
): Float32Array {
  const source = x.data as Float32Array;
  const result = new Float32Array(sizeOf(shape));
  const last = shape.length - 1;
  const [length, stride] = last < 0 ? [1, 0] : [shape[last], strides[last]];
  const position = shape.map(() => 0);
  for (let written = 0, from = offset; written < result.length;) {
    if (stride === 1) {
      result.set(source.subarray(from, from + length), written);
      written += length;
    } else {
      for (let i = 0, at = from; i < length; i++, at += stride) result[written++] = source[at];
    }
    // On to the next row, as an odometer counts.
    for (let axis = last - 1; axis >= 0; axis--) {
      from += strides[axis];
      if (++position[axis] < shape[axis]) break;
      from -= strides[axis] * shape[axis];
      position[axis] = 0;
    }
  }
  return result;
}

function foldBinary(
  apply: (a: number, b: number) => number,
  x: Value,
  y: Value,
  shape: readonly number[],
): Float32Array {
  const a = broadcast(x, shape);
  const b = broadcast(y, shape);
  const result = new Float32Array(a.length);
  for (let i = 0; i < result.length; i++) result[i] = apply(a[i], b[i]);
  return result;
}

function broadcast(x: Value, shape: readonly number[]): Float32Array {
  if (sizeOf(x.shape) === sizeOf(shape)) return x.data as Float32Array;
  const missing = shape.length - x.shape.length;
  const strides = stridesOf(x.shape);
  const broadcastStrides = shape.map((_, axis) =>
    axis < missing || x.shape[axis - missing] === 1 ? 0 : strides[axis - missing],
  );
  return gather(x, shape, broadcastStrides, 0);
}
