/**
 * Large constants that onnxruntime would not rearrange anyway: as inputs it reads them where they lie. As part of the
 * file they would be encoded, parsed and copied, and be in memory up to four times.
 */
import type { HostTensor } from '../engine.js';
import type { Graph } from './graph.js';
import { ELEMENTWISE } from './passes/elementwise.js';
import { rewrite, usersOf } from './rewrite.js';
import { type Constant, isConstant } from './strided.js';
import { type GraphNode, type Value, sizeOf } from './value.js';

/** Below this number of elements a feed costs more than a copy. */
const LARGE = 4096;
/** From this number on, the matrix of a classifier takes longer to read than to pack, in every run. */
const HUGE = 2 ** 20;
const PRODUCTS: ReadonlySet<string> = new Set(['MatMul', 'FusedMatMul']);

export interface FedGraph {
  readonly graph: Graph;
  /** What to feed in every run, by the input's name. */
  readonly constants: ReadonlyMap<string, HostTensor>;
}

/** Takes the constants out of which every reader is a blocked convolution or an element-wise operator. */
export function feedConstants(source: Graph): FedGraph {
  const users = usersOf(source);
  const outputs = new Set(source.outputs.values());
  const reads = (value: Value) => (node: GraphNode) =>
    ELEMENTWISE.has(node.op) ||
    (node.op === 'nchwc.Conv' && node.inputs[1] === value) ||
    (PRODUCTS.has(node.op) && sizeOf(value.shape) >= HUGE);
  const isFed = (value: Value): value is Constant =>
    isConstant(value) &&
    value.type === 'float32' &&
    sizeOf(value.shape) >= LARGE &&
    !outputs.has(value) &&
    users.get(value)!.every(reads(value));

  const constants = new Map<string, HostTensor>();
  const names = new Map<Value, string>();
  const graph = rewrite(source, ({ op, inputs, attributes, outputs: results }, rewritten, target) => {
    if (!inputs.some(isFed)) return undefined;
    const operands = inputs.map((input, i) => {
      if (!isFed(input)) return rewritten[i];
      const name = names.get(input) ?? `constant:${names.size}`;
      if (!names.has(input)) {
        names.set(input, name);
        constants.set(name, { shape: input.shape, data: input.data as Float32Array });
        target.input(name, input.shape);
      }
      return target.inputs.get(name)!;
    });
    const [{ shape, type }] = results;
    return target.op(op, operands, attributes, shape, type);
  });
  return { graph, constants };
}
