/**
 * Evaluation of nodes whose operands are all constant: what a teacher's weights become before the first step. A filter
 * is transposed, mirrored, scaled and put in blocks several times on the way, so that what only moves or scales
 * elements is noted (strided.ts), and each filter is written once, at the end.
 */
import { stridesOf } from '../../../converters/ops/support/shapes.js';
import { type Strided, isConstant, materialise, plain } from './strided.js';
import { type NodeAttributes, sameShape, sizeOf, type Value } from './value.js';

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

/** The result, or undefined where the node must stay (not constant, or an operator not worth it). */
export function foldConstant(
  op: string,
  inputs: readonly Value[],
  attributes: NodeAttributes,
  shape: readonly number[],
): Strided | undefined {
  if (inputs.length === 0 || !inputs.every((input) => isConstant(input) && input.type === 'float32'))
    return undefined;
  const [x, y] = inputs;
  if (op in BINARY && inputs.length === 2) return foldBinary(op, x, y, shape);
  if (op in UNARY) return plain((x.data as Float32Array).map(UNARY[op]), shape);
  switch (op) {
    case 'Reshape':
      return plain(x.data!, shape);
    case 'Transpose':
      return permute(stridedOf(x), attributes['perm'] as readonly number[]);
    case 'Slice':
      return foldSlice(stridedOf(x), attributes, shape);
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

/** The elements of x by the axes of its shape. */
function stridedOf(x: Value): Strided {
  const known = isConstant(x) ? x.elements : undefined;
  return known && sameShape(known.dims, x.shape) ? known : plain(x.data!, x.shape);
}

/** The same elements along other axes: `axes` tells for each one its size, and its stride from the old ones. */
function restride(
  x: Strided,
  dims: readonly number[],
  map: (strides: readonly number[]) => readonly number[],
  start: (strides: readonly number[]) => number = () => 0,
): Strided {
  const walk = <T extends { strides: readonly number[]; offset: number }>(operand: T): T => ({
    ...operand,
    strides: map(operand.strides),
    offset: operand.offset + start(operand.strides),
  });
  return { dims, source: walk(x.source), factors: x.factors.map(walk) };
}

const permute = (x: Strided, perm: readonly number[]): Strided =>
  restride(
    x,
    perm.map((axis) => x.dims[axis]),
    (strides) => perm.map((axis) => strides[axis]),
  );

function foldSlice(x: Strided, attributes: NodeAttributes, shape: readonly number[]): Strided {
  const { axes, starts, steps } = attributes as Readonly<Record<string, readonly number[]>>;
  const stepOf = (axis: number): number => (axes.includes(axis) ? steps[axes.indexOf(axis)] : 1);
  return restride(
    x,
    shape,
    (strides) => strides.map((stride, axis) => stride * stepOf(axis)),
    (strides) => axes.reduce((offset, axis, i) => offset + starts[i] * strides[axis], 0),
  );
}

function foldPad(x: Value, { pads, value }: NodeAttributes, shape: readonly number[]): Strided | undefined {
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
  return plain(result, shape);
}

/** w [O,I,kh,kw] to [O/b,I/b,kh,kw,b,b], outputs last (blocked/layout.ts). */
function foldBlock(w: Value, block: number, shape: readonly number[]): Strided {
  const [outputs, inputs, height, width] = shape;
  const pads = [0, 0, 0, 0, outputs - w.shape[0], inputs - w.shape[1], 0, 0];
  const filled = sameShape(w.shape, shape) ? stridedOf(w) : foldPad(w, { pads, value: 0 }, shape)!;
  return restride(
    filled,
    [outputs / block, inputs / block, height, width, block, block],
    ([output, input, row, column]) => [block * output, block * input, row, column, input, output],
  );
}

/** w [O,C/group,kh,kw] to [C,O/group,kh,kw], positions in reverse. */
function foldMirror(w: Value, group: number): Strided {
  const [outputs, inputs, height, width] = w.shape;
  const perGroup = outputs / group;
  const groups = group === 1 ? [] : [group];
  return restride(
    stridedOf(w),
    [...groups, inputs, perGroup, height, width],
    ([output, input, row, column]) => [...groups.map(() => perGroup * output), input, output, -row, -column],
    ([, , row, column]) => (height - 1) * row + (width - 1) * column,
  );
}

/** A product with something smaller is left as one; everything else is computed. */
function foldBinary(op: string, x: Value, y: Value, shape: readonly number[]): Strided {
  if (op === 'Mul') {
    for (const [big, small] of [
      [x, y],
      [y, x],
    ]) {
      if (!sameShape(big.shape, shape) || sizeOf(small.shape) >= sizeOf(shape)) continue;
      const { dims, source, factors } = stridedOf(big);
      return { dims, source, factors: [...factors, broadcast(small, shape).source] };
    }
  }
  const [a, b] = [x, y].map((operand) => materialise(broadcast(operand, shape)));
  const result = new Float32Array(a.length);
  for (let i = 0; i < result.length; i++) result[i] = BINARY[op](a[i], b[i]);
  return plain(result, shape);
}

function broadcast(x: Value, shape: readonly number[]): Strided {
  const missing = shape.length - x.shape.length;
  const { source } = plain(x.data!, x.shape);
  const strides = shape.map((_, axis) =>
    axis < missing || x.shape[axis - missing] === 1 ? 0 : source.strides[axis - missing],
  );
  return { dims: shape, source: { ...source, strides }, factors: [] };
}
