/**
 * Algebra that costs nothing numerically worth speaking of and saves passes over memory.
 *
 * 1. An element-wise operator on an Expand reads the smaller source; what remains small is expanded afterwards.
 * 2. x * 1, x / 1, x + 0, x - 0 are x; x * 0 is 0.
 * 3. Division by a constant, negation and subtraction of a constant become Mul and Add, so that 4 sees them.
 * 4. (x * s) * t with s and t smaller than x, or constant, is x * (s * t); the same for Add.
 * 5. Expand of Expand, Cast to the own type.
 * 6. Transposes compose; the identity goes, and one that moves only axes of size 1 is a Reshape. A transposed
 *    scalar's Expand is an Expand.
 */
import type { Graph } from '../graph.js';
import { type Visit, rewrite } from '../rewrite.js';
import { type GraphNode, type Value, broadcastShapes, sameShape, sizeOf } from '../value.js';
import { isConstant } from '../strided.js';
import { ELEMENTWISE } from './elementwise.js';

export const simplify = (graph: Graph): Graph => rewrite(graph, visit);

const visit: Visit = (node, inputs, target) =>
  sinkExpands(node, inputs, target) ?? algebra(node, inputs, target) ?? movement(node, inputs, target);

function sinkExpands(node: GraphNode, inputs: readonly Value[], target: Graph): Value | undefined {
  if (!ELEMENTWISE.has(node.op) || !inputs.some((input) => input.producer?.op === 'Expand')) return undefined;
  const [output] = node.outputs;
  const sources = inputs.map((input) => (input.producer?.op === 'Expand' ? input.producer.inputs[0] : input));
  const shape = broadcastShapes(sources.map((source) => source.shape));
  const small = target.op(node.op, sources, node.attributes, shape, output.type);
  const better = algebra({ ...node, outputs: [small] }, sources, target) ?? small;
  return target.expand(better, output.shape);
}

/** The single element of a constant scalar. */
const scalarOf = (value: Value): number | undefined => (value.data?.length === 1 ? value.data[0] : undefined);

function algebra(node: GraphNode, inputs: readonly Value[], target: Graph): Value | undefined {
  const [output] = node.outputs;
  if (output.type !== 'float32') return undefined;
  const [x, y] = inputs;
  switch (node.op) {
    case 'Neg':
      return multiply(target, x, target.scalar(-1));
    case 'Div':
      return y.data === undefined
        ? undefined
        : multiply(target, x, target.op('Reciprocal', [y], {}, y.shape));
    case 'Sub':
      return y.data === undefined ? undefined : add(target, x, target.op('Neg', [y], {}, y.shape));
    case 'Mul':
      return multiply(target, x, y);
    case 'Add':
      return add(target, x, y);
    default:
      return undefined;
  }
}

function multiply(target: Graph, x: Value, y: Value): Value {
  const shape = broadcastShapes([x.shape, y.shape]);
  for (const [value, factor] of [
    [x, scalarOf(y)],
    [y, scalarOf(x)],
  ] as const) {
    if (factor === 1 && sameShape(value.shape, shape)) return value;
    if (factor === 0) return target.expand(target.scalar(0), shape);
  }
  return combineSmall(target, 'Mul', x, y) ?? target.op('Mul', [x, y], {}, shape);
}

function add(target: Graph, x: Value, y: Value): Value {
  const shape = broadcastShapes([x.shape, y.shape]);
  for (const [value, summand] of [
    [x, scalarOf(y)],
    [y, scalarOf(x)],
  ] as const) {
    if (summand === 0 && sameShape(value.shape, shape)) return value;
  }
  return combineSmall(target, 'Add', x, y) ?? target.op('Add', [x, y], {}, shape);
}

/** (big . s) . t -> big . (s . t) where s and t are smaller than big, or constant. */
function combineSmall(target: Graph, op: 'Add' | 'Mul', x: Value, y: Value): Value | undefined {
  for (const [nested, small] of [
    [x, y],
    [y, x],
  ] as const) {
    const movable = (value: Value): boolean =>
      isConstant(value) || sizeOf(value.shape) < sizeOf(nested.shape);
    if (nested.producer?.op !== op || sizeOf(small.shape) > sizeOf(nested.shape) || !movable(small)) continue;
    const [a, b] = nested.producer.inputs;
    for (const [big, other] of [
      [a, b],
      [b, a],
    ] as const) {
      if (!sameShape(big.shape, nested.shape) || isConstant(big) || !movable(other)) continue;
      const combined = op === 'Mul' ? multiply(target, other, small) : add(target, other, small);
      return op === 'Mul' ? multiply(target, big, combined) : add(target, big, combined);
    }
  }
  return undefined;
}

function movement(node: GraphNode, [x]: readonly Value[], target: Graph): Value | undefined {
  const [output] = node.outputs;
  const source = x.producer;
  switch (node.op) {
    case 'Reshape':
      if (source?.op === 'Expand' && sizeOf(source.inputs[0].shape) === 1)
        return expandScalar(target, source.inputs[0], output.shape);
      return undefined;
    case 'Expand':
      return target.expand(source?.op === 'Expand' ? source.inputs[0] : x, output.shape);
    case 'Cast':
      return x.type === output.type ? x : undefined;
    case 'Transpose':
      return transpose(target, x, node.attributes['perm'] as readonly number[]);
    default:
      return undefined;
  }
}

const expandScalar = (target: Graph, x: Value, shape: readonly number[]): Value =>
  target.expand(target.reshape(x, []), shape);

function transpose(target: Graph, x: Value, perm: readonly number[]): Value {
  const source = x.producer;
  if (source?.op === 'Transpose') {
    const inner = source.attributes['perm'] as readonly number[];
    return transpose(
      target,
      source.inputs[0],
      perm.map((axis) => inner[axis]),
    );
  }
  const shape = perm.map((axis) => x.shape[axis]);
  if (source?.op === 'Expand' && sizeOf(source.inputs[0].shape) === 1)
    return expandScalar(target, source.inputs[0], shape);
  const moved = perm.filter((axis) => x.shape[axis] > 1);
  if (moved.every((axis, index) => index === 0 || axis > moved[index - 1])) return target.reshape(x, shape);
  return target.transpose(x, perm);
}
