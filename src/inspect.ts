import { DfkdError } from '../converters/errors.js';
import type { DataType, Graph, Tensor } from '../converters/model.js';
import { isFloating } from '../converters/ops/support/constants.js';
import { unsupportedOperators } from '../converters/ops/index.js';
import { sizeOf } from '../converters/ops/support/shapes.js';
import { dropDeadNodes } from '../converters/passes/drop-dead-nodes.js';
import {
  type BatchNormInfo,
  findBatchNorms,
  findFolding,
  type Folding,
} from '../converters/passes/find-batch-norms.js';
import { foldConstants } from '../converters/passes/fold-constants.js';
import { inlineFunctions } from '../converters/passes/inline-functions.js';
import { resolveIdentities } from '../converters/passes/resolve-identities.js';
import { splitSequences } from '../converters/passes/split-sequences.js';
import { trainingBatchNorms } from '../converters/runnable.js';
import { type MemoryOptions, openModel, type SignatureOptions } from './open-model.js';

export interface Range {
  readonly min: number;
  readonly max: number;
}

/** What a model is made of. A dimension is null where the file leaves it open; so is what cannot be told. */
export interface Inspection {
  readonly opset: number;
  readonly irVersion: number;
  readonly producer: string;
  readonly input: { readonly name: string; readonly shape: readonly (number | null)[] | null };
  readonly output: { readonly name: string; readonly classes: number | null };
  /** Elements of the float tensors that nodes read, without running statistics and scalars; shared ones count once. */
  readonly parameters: number;
  /** Nodes by operator; operators outside ai.onnx carry their domain. */
  readonly operators: Readonly<Record<string, number>>;
  /** Operators that this tool cannot work on. */
  readonly unsupported: readonly string[];
  /** Batch norms with their running mean and variance, as stored in the file. */
  readonly batchNorms: readonly {
    readonly name: string;
    readonly channels: number;
    readonly epsilon: number;
    readonly mean: Range;
    readonly variance: Range;
  }[];
  /** Whether batch norm was folded into the convolutions at export. */
  readonly folded: boolean;
  /** How that can be told, what was lost, and how to export without; also where some batch norms are left. Else null. */
  readonly folding: Folding | null;
  /** Batch norms that the file has in training mode; this tool reads them as inference. */
  readonly trainingMode: number;
  /** Names of the outputs, of which `output` is the one that is used. */
  readonly outputs: readonly string[];
  /** Types in which the weights are stored, and in which a student's will be. */
  readonly weightTypes: readonly DataType[];
  /** Files beside the model that hold weights. */
  readonly externalFiles: readonly string[];
}

export interface InspectOptions extends SignatureOptions, MemoryOptions {}

/** Reads and describes a model, without tfjs and without onnxruntime. Throws as `readModel` and `validateModel` do. */
export async function inspectModel(path: string, options: InspectOptions = {}): Promise<Inspection> {
  const { model, outputs } = await openModel(path, options);
  // What counts is what the outputs depend on, as it runs; exporters leave dead chains and functions behind.
  const graph = dropDeadNodes(splitSequences(resolveIdentities(inlineFunctions(model))));
  if (graph.inputs.length === 0) throw new DfkdError('E_UNSUPPORTED', 'The model has no input.');
  const batchNorms = findBatchNorms(graph);
  const folding = findFolding(graph);
  const [input] = graph.inputs;
  const [output] = graph.outputs;
  return {
    opset: model.opset,
    irVersion: model.irVersion,
    producer: model.producer,
    input: { name: input.name, shape: input.shape },
    output: { name: output.name, classes: output.shape?.[1] ?? null },
    parameters: countParameters(graph, batchNorms),
    operators: countOperators(model.graph),
    unsupported: [...unsupportedOperators(foldShapes(graph, model.opset), model.opset).keys()],
    batchNorms: batchNorms.map(({ name, channels, epsilon, mean, variance }) => ({
      name,
      channels,
      epsilon,
      mean: rangeOf(mean.tensor),
      variance: rangeOf(variance.tensor),
    })),
    folded: folding !== null && batchNorms.length === 0,
    folding,
    trainingMode: trainingBatchNorms(graph.nodes).length,
    outputs,
    weightTypes: weightTypes(graph),
    externalFiles: [...model.externalFiles].sort(),
  };
}

/** The graph without its shape arithmetic, which is no operator to work on once the input's size is known. */
function foldShapes(graph: Graph, opset: number): Graph {
  const [{ name, shape }] = graph.inputs;
  const [batch, ...item] = shape ?? [null, null];
  if (item.includes(null)) return graph;
  const inputShape = [batch ?? 1, ...item.filter((dim) => dim !== null)];
  return dropDeadNodes(foldConstants(graph, opset, new Map([[name, inputShape]])));
}

function countParameters({ nodes, initializers }: Graph, batchNorms: readonly BatchNormInfo[]): number {
  const statistics = new Set(batchNorms.flatMap(({ mean, variance }) => [mean.name, variance.name]));
  const read = new Set(nodes.flatMap(({ inputs }) => inputs));
  let count = 0;
  for (const [name, tensor] of initializers) {
    if (isWeight(tensor) && read.has(name) && !statistics.has(name)) count += sizeOf(tensor.dims);
  }
  return count;
}

function isWeight({ type, dims }: Tensor): boolean {
  return isFloating(type) && dims.length > 0;
}

function weightTypes({ initializers }: Graph): DataType[] {
  return [...new Set([...initializers.values()].filter(isWeight).map(({ type }) => type))].sort();
}

/** Sorted by name; without a prototype, because a file may name an operator `__proto__`. */
function countOperators({ nodes }: Graph): Record<string, number> {
  const names = nodes.map(({ domain, opType }) => (domain === '' ? opType : `${domain}.${opType}`)).sort();
  const counts = Object.create(null) as Record<string, number>;
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

function rangeOf({ data }: Tensor): Range {
  let [min, max] = [Infinity, -Infinity];
  for (const value of data) {
    min = Math.min(min, Number(value));
    max = Math.max(max, Number(value));
  }
  return { min, max };
}
