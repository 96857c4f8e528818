import { DfkdError } from '../../converters/errors.js';
import type { Inference } from '../../converters/infer-shapes.js';
import type { Graph, Model, Node } from '../../converters/model.js';
import { isFloating } from '../../converters/ops/support/constants.js';
import { findLayout } from '../../converters/passes/find-layout.js';
import { createForward } from './forward.js';
import { findLayers } from './layers.js';
import type { BatchNorm, Network, ParameterRole } from './network.js';
import { findParameters, findRead, type Parameters } from './parameters.js';
import { prepareGraph, type LowerOptions } from './prepare.js';

/** Operators that only give their input another shape. */
const RESHAPES: ReadonlySet<string> = new Set(['Flatten', 'Reshape', 'Squeeze']);

/** Operators whose first output is their first input, as the network computes them. */
const ALIASES: ReadonlySet<string> = new Set(['Identity', 'Dropout', 'Cast', 'CastLike']);

/**
 * Lowers a model to a trainable network for one batch size.
 * @throws DfkdError E_UNSUPPORTED for operators this tool lacks (all of them at once) and for what is no image
 * classifier, E_SHAPE or E_ATTR where a node does not fit its inputs, E_LIMIT where it takes too much memory or work,
 * E_ARG where the options do not fit
 */
export function lowerModel(model: Model, options: LowerOptions): Network {
  const { graph, inference, initializers, input, shape, outputName } = prepareGraph(model, options);
  const found = findParameters(graph, inference.operations, initializers);
  const { logits, activation } = findLogits(graph, inference, outputName, model.opset);
  const classes = classesOf(inference, logits, options.batch);
  const layout = findLayout(graph);
  const batchNorms = graph.nodes.flatMap((node) => batchNormOf(graph, node, inference, found));
  const weights = [...found.parameters.values()].filter(({ role }) => role === 'weight');
  return {
    batch: options.batch,
    input: { name: input.name, shape: layout === 'NHWC' ? channelsFirst(shape) : shape, layout },
    output: {
      name: outputName,
      logits,
      features: findFeatures(graph, logits),
      activation,
      classes,
    },
    parameters: found.parameters,
    batchNorms,
    prunable: weights.map(({ name }) => name),
    layers: findLayers(graph, inference, found),
    forward: createForward(graph, inference, found, {
      input: input.name,
      layout,
      logits,
      classes,
      batchNorms,
    }),
  };
}

function channelsFirst([batch, height, width, channels]: readonly number[]): number[] {
  return [batch, channels, height, width];
}

/**
 * Follows the output back over a final Softmax or LogSoftmax, whose result distillation does not want, and aliases;
 * over what only reshapes the scores where such an operator is behind it.
 */
function findLogits(
  graph: Graph,
  { shapes }: Inference,
  output: string,
  opset: number,
): Pick<Network['output'], 'logits' | 'activation'> {
  const producers = new Map(graph.nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
  let activation: Network['output']['activation'] = null;
  let logits = output;
  for (let name = output, isReshaped = false; ;) {
    const producer = producers.get(name);
    if (producer === undefined) {
      throw new DfkdError('E_UNSUPPORTED', `Output '${output}' does not depend on the images.`);
    }
    const { opType, inputs } = producer;
    const shape = shapes.get(inputs[0]) ?? [];
    const isActivation = opType === 'Softmax' || opType === 'LogSoftmax';
    // Of a second one, the inner is as good as any other score.
    if (isActivation && activation === null && overClasses(producer, shape.length, opset)) {
      activation = opType;
      isReshaped = false;
    } else if (RESHAPES.has(opType) && activation === null && isOneEach(shape.slice(2))) {
      isReshaped = true;
    } else if (!ALIASES.has(opType)) {
      return { logits, activation };
    }
    [name] = inputs;
    if (!isReshaped) logits = name;
  }
}

/** Operators whose first input is what a last layer sees. */
const LAYERS: ReadonlySet<string> = new Set(['Gemm', 'MatMul', 'Conv']);

/** Follows the logits back to the last layer with weights, over its bias, pooling and the like; gives what it reads. */
function findFeatures({ nodes }: Graph, logits: string): string {
  const producers = new Map(nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
  for (let value = logits; ;) {
    const producer = producers.get(value);
    const computed = producer?.inputs.find((name) => producers.has(name));
    if (producer === undefined || computed === undefined) return logits;
    if (LAYERS.has(producer.opType)) return computed;
    value = computed;
  }
}

function isOneEach(sizes: readonly number[]): boolean {
  return sizes.every((size) => size === 1);
}

/** Of values [batch, classes, ...], the axis by the opset's default. Source: ONNX's Softmax-1, Softmax-13. */
function overClasses({ attributes }: Node, rank: number, opset: number): boolean {
  const axis = attributes.get('axis')?.value ?? (opset < 13 ? 1 : -1);
  return axis === 1 || axis === 1 - rank;
}

function classesOf({ shapes, types }: Inference, logits: string, batch: number): number {
  const shape = shapes.get(logits)!;
  const type = types.get(logits);
  if (type !== undefined && !isFloating(type)) {
    throw new DfkdError(
      'E_UNSUPPORTED',
      `Output '${logits}' is ${type}; a classifier gives scores in float32.`,
    );
  }
  if (shape.length < 2 || shape[0] !== batch || shape[1] < 2 || !isOneEach(shape.slice(2))) {
    throw new DfkdError(
      'E_UNSUPPORTED',
      `Output '${logits}' is [${shape.join(', ')}] for ${batch} images; a classifier gives [${batch}, classes] with at least 2 classes.`,
    );
  }
  return shape[1];
}

function batchNormOf(
  graph: Graph,
  node: Node,
  { shapes, operations }: Inference,
  found: Parameters,
): BatchNorm[] {
  if (node.opType !== 'BatchNormalization') return [];
  const name = (position: number, role: ParameterRole): string => {
    const parameter = findRead(graph, found, node, position);
    if (parameter !== undefined && found.parameters.get(parameter)!.role === role) return parameter;
    throw new DfkdError(
      'E_UNSUPPORTED',
      `BatchNormalization '${node.label}' computes '${node.inputs[position]}'; it must be stored in the file.`,
    );
  };
  return [
    {
      name: node.label,
      input: node.inputs[0],
      output: node.outputs[0],
      channels: shapes.get(node.inputs[0])![1],
      epsilon: operations.get(node)!.attributes['epsilon'] as number,
      scale: name(1, 'scale'),
      offset: name(2, 'offset'),
      mean: name(3, 'mean'),
      variance: name(4, 'variance'),
    },
  ];
}
