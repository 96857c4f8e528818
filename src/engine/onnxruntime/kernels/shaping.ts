/** Kernels that move elements without computing: shapes, slices, pads, concatenation, gathering. */
import type { Graph } from '../graph.js';
import { type Value, sizeOf } from '../value.js';
import type { KernelTable } from './kernel.js';

/** Slice by first index, count and step (which may be negative) along every axis that is not taken whole. */
export function slice(
  graph: Graph,
  x: Value,
  begin: readonly number[],
  shape: readonly number[],
  step: readonly number[] = shape.map(() => 1),
): Value {
  const axes = shape
    .map((_, axis) => axis)
    .filter((axis) => begin[axis] !== 0 || step[axis] !== 1 || shape[axis] !== x.shape[axis]);
  if (axes.length === 0) return x;
  const starts = axes.map((axis) => begin[axis]);
  const steps = axes.map((axis) => step[axis]);
  // Past the first element an end below zero must be far below: -1 would mean the last one.
  const ends = axes.map((axis) => {
    const end = begin[axis] + (shape[axis] - 1) * step[axis] + Math.sign(step[axis]);
    return end < 0 ? -(2 ** 31) : end;
  });
  return graph.op('Slice', [x], { starts, ends, axes, steps }, shape, x.type);
}

/** Reverses the given axes. */
export function reverse(graph: Graph, x: Value, axes: readonly number[]): Value {
  const reversed = (axis: number): boolean => axes.includes(axis) && x.shape[axis] > 1;
  return slice(
    graph,
    x,
    x.shape.map((dim, axis) => (reversed(axis) ? dim - 1 : 0)),
    x.shape,
    x.shape.map((_, axis) => (reversed(axis) ? -1 : 1)),
  );
}

/** Elements of one axis by index. */
export function gather(graph: Graph, x: Value, indices: Value, axis: number): Value {
  const shape = [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)];
  return graph.op('Gather', [x, indices], { axis }, shape, x.type);
}

export function pad(
  graph: Graph,
  x: Value,
  paddings: readonly (readonly [number, number])[],
  mode: 'constant' | 'reflect',
  value = 0,
): Value {
  if (paddings.every(([before, after]) => before === 0 && after === 0)) return x;
  const pads = [...paddings.map(([before]) => before), ...paddings.map(([, after]) => after)];
  const shape = x.shape.map((dim, axis) => dim + paddings[axis][0] + paddings[axis][1]);
  return graph.op('Pad', [x], { pads, mode, value }, shape, x.type);
}

export function concat(graph: Graph, inputs: readonly Value[], axis: number): Value {
  if (inputs.length === 1) return inputs[0];
  const shape = [...inputs[0].shape];
  shape[axis] = inputs.reduce((total, input) => total + input.shape[axis], 0);
  return graph.op('Concat', inputs, { axis }, shape, inputs[0].type);
}

const withDim = (shape: readonly number[], axis: number, size: number): number[] =>
  shape.map((dim, index) => (index === axis ? size : dim));

export const shaping: KernelTable = {
  Reshape: (graph, { x }, { shape }) => {
    const target = [...(shape as number[])];
    const known = sizeOf(target.filter((dim) => dim !== -1));
    return graph.reshape(
      x,
      target.map((dim) => (dim === -1 ? sizeOf(x.shape) / known : dim)),
    );
  },
  ExpandDims: (graph, { input }, { dim }) => {
    const shape = [...input.shape];
    shape.splice((dim as number) < 0 ? shape.length + 1 + (dim as number) : (dim as number), 0, 1);
    return graph.reshape(input, shape);
  },
  Transpose: (graph, { x }, { perm }) => graph.transpose(x, perm as number[]),
  Slice: (graph, { x }, { begin, size }) => {
    const first = begin as number[];
    return slice(
      graph,
      x,
      first,
      (size as number[]).map((count, axis) => (count === -1 ? x.shape[axis] - first[axis] : count)),
    );
  },
  Reverse: (graph, { x }, { dims }) =>
    reverse(
      graph,
      x,
      [dims as number | number[]].flat().map((axis) => (axis + x.shape.length) % x.shape.length),
    ),
  PadV2: (graph, { x }, { paddings, constantValue }) =>
    pad(graph, x, paddings as [number, number][], 'constant', constantValue as number),
  MirrorPad: (graph, { x }, { paddings, mode }) => {
    if (mode !== 'reflect') throw new Error(`MirrorPad with mode '${String(mode)}' cannot be recorded`);
    return pad(graph, x, paddings as [number, number][], 'reflect');
  },
  Concat: (graph, inputs, { axis }) => {
    const parts = Object.values(inputs).filter((part) => sizeOf(part.shape) > 0);
    return concat(graph, parts, ((axis as number) + parts[0].shape.length) % parts[0].shape.length);
  },
  SplitV: (graph, { x }, { numOrSizeSplits, axis }) => {
    const at = ((axis as number) + x.shape.length) % x.shape.length;
    const split = numOrSizeSplits as number | number[];
    const sizes = typeof split === 'number' ? new Array<number>(split).fill(x.shape[at] / split) : split;
    let offset = 0;
    return sizes.map((size) => {
      const begin = x.shape.map((_, index) => (index === at ? offset : 0));
      offset += size;
      return slice(graph, x, begin, withDim(x.shape, at, size));
    });
  },
  Tile: (graph, { x }, { reps }) => {
    const repeats = reps as number[];
    return graph.op(
      'Tile',
      [x],
      { repeats },
      x.shape.map((dim, axis) => dim * repeats[axis]),
      x.type,
    );
  },
  BroadcastTo: (graph, { x }, { shape }) => graph.expand(x, shape as number[]),
  GatherV2: (graph, { x, indices }, { axis, batchDims }) => {
    if (batchDims !== undefined && batchDims !== 0)
      throw new Error('GatherV2 with batchDims cannot be recorded');
    return gather(graph, x, indices, axis as number);
  },
};
