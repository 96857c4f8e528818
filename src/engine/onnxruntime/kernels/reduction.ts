/** Reductions, softmax and matrix products. */
import type { Graph } from '../graph.js';
import { type ElementType, type Value, broadcastShapes } from '../value.js';
import { cast } from './elementwise.js';
import type { KernelTable, RecordKernel } from './kernel.js';

const reduceTo =
  (op: string): RecordKernel =>
  (graph, { x }, { axis, reductionIndices, keepDims }) =>
    reduce(
      graph,
      op,
      x,
      (axis ?? reductionIndices) as number | number[] | undefined,
      (keepDims as boolean | undefined) ?? false,
    );

/** ReduceMean, ReduceSum, ...; negative axes count from the end, none means all. */
export function reduce(
  graph: Graph,
  op: string,
  x: Value,
  axis: number | readonly number[] | undefined,
  keepDims: boolean,
): Value {
  const all = x.shape.map((_, index) => index);
  const given =
    axis === undefined ? all : [axis].flat().map((index) => (index + x.shape.length) % x.shape.length);
  const axes = all.filter((index) => given.includes(index));
  if (axes.length === 0) return x;
  const shape = x.shape.map((dim, index) => (axes.includes(index) ? 1 : dim));
  // Dropped axes are a Reshape of their own, so that passes meet one form of reduction only.
  const kept = graph.op(op, [x], { axes }, shape, x.type);
  return keepDims
    ? kept
    : graph.reshape(
        kept,
        shape.filter((_, index) => !axes.includes(index)),
      );
}

const argument =
  (op: string): RecordKernel =>
  (graph, { x }, { axis }) => {
    const shape = x.shape.filter((_, index) => index !== axis);
    return graph.op(op, [x], { axis: axis as number }, shape, 'int32');
  };

const alongAxis =
  (op: string): RecordKernel =>
  (graph, inputs, { dim, axis }) => {
    const [x] = Object.values(inputs);
    const at = ((axis ?? dim ?? -1) as number) % x.shape.length;
    return graph.op(op, [x], { axis: at < 0 ? at + x.shape.length : at }, x.shape);
  };

/** a . b over the last two axes, batched over the others; either transposed. */
export function matMul(graph: Graph, a: Value, b: Value, transposeA = false, transposeB = false): Value {
  const [rows, columns] = [a.shape.length - (transposeA ? 1 : 2), b.shape.length - (transposeB ? 2 : 1)];
  const batch = broadcastShapes([a.shape.slice(0, -2), b.shape.slice(0, -2)]);
  const shape = [...batch, a.shape[rows], b.shape[columns]];
  if (!transposeA && !transposeB) return graph.op('MatMul', [a, b], {}, shape);
  return graph.op('FusedMatMul', [a, b], { transA: transposeA ? 1 : 0, transB: transposeB ? 1 : 0 }, shape);
}

export const reduction: KernelTable = {
  Sum: (graph, { x }, attributes) => {
    const summand = x.type === 'bool' ? cast(graph, x, 'int32' satisfies ElementType) : x;
    return reduceTo('ReduceSum')(graph, { x: summand }, attributes);
  },
  Mean: reduceTo('ReduceMean'),
  Max: reduceTo('ReduceMax'),
  Min: reduceTo('ReduceMin'),
  Prod: reduceTo('ReduceProd'),
  ArgMax: argument('ArgMax'),
  ArgMin: argument('ArgMin'),
  Softmax: alongAxis('Softmax'),
  LogSoftmax: alongAxis('LogSoftmax'),
  BatchMatMul: (graph, { a, b }, { transposeA, transposeB }) =>
    matMul(graph, a, b, transposeA as boolean, transposeB as boolean),
};
