import { DfkdError } from '../errors.js';
import type { Graph, Node, Tensor } from '../model.js';
import { findSources } from './resolve-identities.js';

/** A stored constant: its value name, and the tensor of [channels] elements. */
export interface NamedTensor {
  readonly name: string;
  readonly tensor: Tensor;
}

export interface BatchNormInfo {
  /** The node's label. */
  readonly name: string;
  readonly channels: number;
  readonly epsilon: number;
  readonly scale: NamedTensor;
  readonly offset: NamedTensor;
  readonly mean: NamedTensor;
  readonly variance: NamedTensor;
}

/** ONNX's default. */
const DEFAULT_EPSILON = 1e-5;

/**
 * The BatchNormalization nodes in topological order, with their stored parameters:
 * 1. in initializers, in Constant nodes, or behind Identity or Cast;
 * 2. with one, three or five outputs and whatever training_mode (all forms that exporters write are read as inference,
 *    whose statistics are inputs 3 and 4).
 * Calls of functions are not looked into: inline them first.
 * @throws DfkdError E_UNSUPPORTED when a parameter is computed rather than stored, E_SHAPE when lengths differ
 */
export function findBatchNorms(graph: Graph): BatchNormInfo[] {
  const source = skipCasts(graph, findSources(graph));
  return graph.nodes.filter(isBatchNorm).map((node) => {
    const [scale, offset, mean, variance] = [1, 2, 3, 4].map((position) =>
      findConstant(graph, node, source(node.inputs[position] ?? '')),
    );
    const channels = scale.tensor.data.length;
    for (const { name, tensor } of [offset, mean, variance]) {
      if (tensor.data.length !== channels) {
        throw new DfkdError(
          'E_SHAPE',
          `BatchNormalization '${node.label}': '${name}' has ${tensor.data.length} values, its scale ${channels}.`,
        );
      }
    }
    const epsilon = node.attributes.get('epsilon');
    return {
      name: node.label,
      channels,
      epsilon: epsilon?.kind === 'float' ? epsilon.value : DEFAULT_EPSILON,
      scale,
      offset,
      mean,
      variance,
    };
  });
}

function isBatchNorm(node: Node): boolean {
  return node.opType === 'BatchNormalization' && node.domain === '';
}

/** Weights stored in half the space are cast before they are used. */
function skipCasts({ nodes }: Graph, source: (name: string) => string): (name: string) => string {
  const casts = nodes.filter(({ opType, domain }) => opType === 'Cast' && domain === '');
  const inputs = new Map(casts.map(({ outputs, inputs: [input] }) => [outputs[0], input]));
  const skip = (name: string): string => {
    const input = inputs.get(source(name));
    return input === undefined ? source(name) : skip(input);
  };
  return skip;
}

function findConstant(graph: Graph, node: Node, name: string): NamedTensor {
  const tensor = graph.initializers.get(name);
  if (tensor) return { name, tensor };
  throw new DfkdError(
    'E_UNSUPPORTED',
    `BatchNormalization '${node.label}' computes '${name}' instead of storing it, which is not supported.`,
  );
}

/** The export calls that keep batch norm, for both exporters of PyTorch. */
export const EXPORTS_THAT_KEEP_BATCH_NORM = {
  dynamo: 'torch.onnx.export(model.eval(), args, "teacher.onnx", dynamo=True, optimize=False)',
  torchScript:
    'torch.onnx.export(model.eval(), args, "teacher.onnx", dynamo=False, ' +
    'training=torch.onnx.TrainingMode.PRESERVE, do_constant_folding=False)',
} as const;

/** What the export of a model did to its batch norms. */
export interface Folding {
  /** How it can be told. */
  readonly evidence: string;
  readonly lost: string;
  /** The calls that export the model with its batch norm. */
  readonly exports: typeof EXPORTS_THAT_KEEP_BATCH_NORM;
}

/**
 * Whether batch norm was folded at export, into the biases of convolutions, which get
 * `offset - mean scale / sqrt(variance + epsilon)`:
 * 1. there is none, but convolutions have biases. Models built with biases and without batch norm look the same;
 * 2. there is some, but it follows no convolution, and some convolutions have biases: of DenseNet's batch norms those
 *    remain that precede a convolution.
 */
export function findFolding({ nodes, initializers }: Graph): Folding | null {
  const norms = nodes.filter(isBatchNorm);
  const normalised = new Set(norms.map(({ inputs }) => inputs[0]));
  const convolutions = nodes.filter(({ opType, domain }) => opType === 'Conv' && domain === '');
  const biased = convolutions.filter(({ inputs }) => Boolean(inputs[2]));
  if (biased.length === 0 || convolutions.some(({ outputs }) => normalised.has(outputs[0]))) return null;
  const channels = biased.reduce(
    (sum, { inputs }) => sum + (initializers.get(inputs[2])?.data.length ?? 0),
    0,
  );
  const left =
    norms.length === 0 ? 'there is no BatchNormalization' : 'no BatchNormalization follows a convolution';
  return {
    evidence:
      `${left}, and ${biased.length} of ${convolutions.length} convolutions have a bias, ` +
      'which a convolution before batch norm has no use for',
    lost:
      `the running mean and variance of up to ${biased.length} batch norms (${channels} channels), from which images are ` +
      'synthesised, and their scale and offset; they cannot be recovered from the folded weights',
    exports: EXPORTS_THAT_KEEP_BATCH_NORM,
  };
}

/** What the user should know of a model of which some batch norms were folded and others are there to work with. */
export function notePartialFolding(graph: Graph): string | undefined {
  const folding = graph.nodes.some(isBatchNorm) ? findFolding(graph) : null;
  if (folding === null) return undefined;
  const { evidence, lost, exports } = folding;
  return (
    `Some batch norms seem to have been folded at export: ${evidence}. What is lost is ${lost}. The others are used; ` +
    `to have them all, export with ${exports.dynamo} or, with the older exporter, ${exports.torchScript}.`
  );
}
