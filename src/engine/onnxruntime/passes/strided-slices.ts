/**
 * Taking every n-th element of the last axis, as strided shortcuts do, moves single floats, for which onnxruntime's
 * Slice and Pad are slow. A product with a constant 0/1 matrix is exact and runs at the speed of a matrix product.
 *
 * 1. Slice of one position from [..., length, n, 1] along n -> MatMul with [length * n, length].
 * 2. Pad of [..., length, 1, 1] to [..., length, n, 1] with zeros (its gradient) -> MatMul with [length, length * n].
 */
import type { Graph } from '../graph.js';
import { rewrite, type Visit } from '../rewrite.js';
import { sizeOf, type Value } from '../value.js';

/** Beyond this length of the last axis the zeros multiplied cost more than they save. */
const LONGEST = 64;

export const stridedSlices = (graph: Graph): Graph => rewrite(graph, visit);

const visit: Visit = (node, [x], target) => {
  const [output] = node.outputs;
  const rank = output.shape.length;
  if ((node.op !== 'Slice' && node.op !== 'Pad') || rank < 3 || output.type !== 'float32') return undefined;
  const [whole, part] = node.op === 'Slice' ? [x, output] : [output, x];
  const [length, n, one] = whole.shape.slice(-3);
  const onlyOne = part.shape.every((dim, axis) => dim === (axis === rank - 2 ? 1 : whole.shape[axis]));
  if (!onlyOne || n === 1 || one !== 1 || length * n > LONGEST) return undefined;
  const at = node.op === 'Slice' ? sliceStart(node.attributes['starts']) : padStart(node.attributes, rank);
  if (at === undefined) return undefined;

  const rows = sizeOf(whole.shape) / (length * n);
  const [from, to] = node.op === 'Slice' ? [length * n, length] : [length, length * n];
  const matrix = selection(target, length, n, at, node.op === 'Slice');
  const product = target.op('MatMul', [target.reshape(x, [rows, from]), matrix], {}, [rows, to]);
  return target.reshape(product, output.shape);
};

const sliceStart = (starts: unknown): number => (starts as readonly number[])[0];

function padStart(
  { pads, mode, value }: Readonly<Record<string, unknown>>,
  rank: number,
): number | undefined {
  return mode === 'constant' && value === 0 ? (pads as readonly number[])[rank - 2] : undefined;
}

/** 1 where element `n * i + at` meets element i. */
function selection(target: Graph, length: number, n: number, at: number, taking: boolean): Value {
  const data = new Float32Array(length * n * length);
  for (let i = 0; i < length; i++) data[taking ? (n * i + at) * length + i : i * length * n + n * i + at] = 1;
  return target.constant(data, taking ? [length * n, length] : [length, length * n]);
}
