import type * as tfjs from '@tensorflow/tfjs-core';
import { naming, type Inference, type Operation } from '../../converters/infer-shapes.js';
import type { Graph, Node, Tensor } from '../../converters/model.js';
import type { Layout } from '../../converters/passes/find-layout.js';
import type { ParsedAttributes, Tf } from '../../converters/ops/define-op.js';
import { labelled } from '../engine/labels.js';
import type { BatchNorm, ForwardOptions, Network } from './network.js';
import type { Parameters } from './parameters.js';

const DEFAULT_MOMENTUM = 0.9;

interface Ends {
  readonly input: string;
  readonly layout: Layout;
  readonly logits: string;
  readonly classes: number;
  readonly batchNorms: readonly BatchNorm[];
}

/**
 * The forward function of a network: evaluates the nodes in order.
 * @param graph folded, every operator supported
 */
export function createForward(
  whole: Graph,
  inference: Inference,
  { parameters, reads }: Parameters,
  ends: Ends,
): Network['forward'] {
  const { graph, operations } = withoutParameters(whole, inference, reads);
  const norms = new Map(ends.batchNorms.map((norm) => [norm.output, norm]));
  return (tf, given, input, { batchNorm = 'running', momentum = DEFAULT_MOMENTUM } = {}) => {
    const statistics: Record<string, tfjs.Tensor> = {};
    const parameter = memoize((name: string): tfjs.Tensor => {
      const { data, dims } = parameters.get(name)!;
      return Object.hasOwn(given, name) ? given[name] : tf.tensor(data, [...dims], 'float32');
    });
    const read = (node: Node, position: number) => {
      const name = reads.get(node)?.get(position);
      return name === undefined ? undefined : parameter(name);
    };
    const options = { batchNorm, momentum };
    const images = ends.layout === 'NHWC' ? tf.transpose(input, [0, 2, 3, 1]) : input;
    const inputs = new Map([[ends.input, images]]);
    const values = evaluateGraph(tf, graph, { operations }, inputs, options, {
      read,
      done(node, outputs) {
        const norm = norms.get(node.outputs[0]);
        if (batchNorm === 'batch' && norm) [, statistics[norm.mean], statistics[norm.variance]] = outputs;
      },
    });
    const floats = [...values].filter(([, value]) => value.dtype === 'float32');
    const scores = values.get(ends.logits)!;
    const logits = scores.rank === 2 ? scores : tf.reshape(scores, [scores.shape[0], ends.classes]);
    return { logits, values: new Map(floats), statistics };
  };
}

type Evaluated = Pick<Inference, 'operations'>;

/** The graph but for its parameters' tensors: they may be views of the file, and would keep all of it in memory. */
function withoutParameters(
  graph: Graph,
  inference: Evaluated,
  reads: Parameters['reads'],
): Evaluated & { readonly graph: Graph } {
  const isParameter = (node: Node, position: number): boolean => reads.get(node)?.has(position) ?? false;
  const constants = new Set(
    graph.nodes.flatMap((node) => node.inputs.filter((_, position) => !isParameter(node, position))),
  );
  const initializers = new Map([...graph.initializers].filter(([name]) => constants.has(name)));
  const operations = graph.nodes.map((node): [Node, Operation] => {
    const { context, ...operation } = inference.operations.get(node)!;
    const known = context.constants.map((tensor, i) => (isParameter(node, i) ? undefined : tensor));
    return [node, { ...operation, context: { ...context, constants: known } }];
  });
  return { graph: { ...graph, initializers }, operations: new Map(operations) };
}

interface Visitor {
  /** What a node input reads instead of the value of its name. */
  readonly read?: (node: Node, position: number) => tfjs.Tensor | undefined;
  readonly done?: (node: Node, outputs: readonly tfjs.Tensor[]) => void;
}

/**
 * Every value that the nodes compute, by name, with the given ones.
 * @param inputs the graph's inputs by name
 */
export function evaluateGraph(
  tf: Tf,
  graph: Graph,
  { operations }: Evaluated,
  inputs: ReadonlyMap<string, tfjs.Tensor>,
  options: Required<ForwardOptions>,
  { read, done }: Visitor = {},
): Map<string, tfjs.Tensor> {
  const values = new Map(inputs);
  const constant = memoize((name: string) => constantTensor(tf, graph.initializers.get(name)!));
  for (const node of graph.nodes) {
    const operation = operations.get(node)!;
    const { constantInputs, typeInputs } = operation.definition;
    const operands = node.inputs.map((name, position) => {
      if (name === '' || constantInputs.includes(position) || typeInputs.includes(position)) return undefined;
      return read?.(node, position) ?? values.get(name) ?? constant(name);
    });
    const outputs = evaluate(tf, node, operation, operands, options);
    outputs.forEach((output, i) => {
      if (node.outputs[i]) values.set(node.outputs[i], output);
    });
    done?.(node, outputs);
  }
  return values;
}

function evaluate(
  tf: Tf,
  node: Node,
  { definition, attributes, context }: Operation,
  inputs: readonly (tfjs.Tensor | undefined)[],
  options: Required<ForwardOptions>,
): tfjs.Tensor[] {
  const parsed = node.opType === 'BatchNormalization' ? batchNormAttributes(attributes, options) : attributes;
  return labelled(tf, `layer '${node.label}' (${node.opType})`, () =>
    naming(node, () => definition.forward!(tf, inputs, parsed, context)),
  );
}

/** What a file says of training mode is the exporter's doing; the caller decides. */
function batchNormAttributes(
  attributes: ParsedAttributes,
  { batchNorm, momentum }: Required<ForwardOptions>,
): ParsedAttributes {
  return { ...attributes, momentum, training_mode: batchNorm === 'batch' ? 1 : 0 };
}

/** float64 constants become float32 as everything the network computes. */
function constantTensor(tf: Tf, { type, dims, data }: Tensor): tfjs.Tensor {
  const shape = [...dims];
  if (type === 'bool') return tf.tensor(Uint8Array.from(data, Number), shape, 'bool');
  if (data instanceof Float32Array) return tf.tensor(data, shape, 'float32');
  if (data instanceof Float64Array) return tf.tensor(Float32Array.from(data), shape, 'float32');
  return tf.tensor(Int32Array.from(data, Number), shape, 'int32');
}

function memoize<T>(compute: (name: string) => T): (name: string) => T {
  const known = new Map<string, T>();
  return (name) => {
    const value = known.get(name) ?? compute(name);
    known.set(name, value);
    return value;
  };
}
