import { DfkdError } from '../../converters/errors.js';
import { inferGraph, type Inference } from '../../converters/infer-shapes.js';
import { checkMemory, checkNodeCount } from '../../converters/memory.js';
import type { Graph, Model, ValueInfo } from '../../converters/model.js';
import { findOperator, SUPPORTED_OPSETS, unsupportedOperators } from '../../converters/ops/index.js';
import { isFloating } from '../../converters/ops/support/constants.js';
import { sizeOf } from '../../converters/ops/support/shapes.js';
import { dropDeadNodes } from '../../converters/passes/drop-dead-nodes.js';
import { foldConstants } from '../../converters/passes/fold-constants.js';
import { inlineFunctions } from '../../converters/passes/inline-functions.js';
import { resolveIdentities } from '../../converters/passes/resolve-identities.js';
import { splitSequences } from '../../converters/passes/split-sequences.js';
import { rebatch } from './rebatch.js';

export interface LowerOptions {
  /** Images per step. */
  readonly batch: number;
  /** Shape of one item, [C, H, W] or [F], for dimensions that the file leaves open. */
  readonly inputShape?: readonly number[] | undefined;
  /** Graph output that holds the logits or probabilities; default the first. */
  readonly outputName?: string | undefined;
  /** Bytes that a step may take; default three quarters of the machine's. */
  readonly maxMemory?: number | undefined;
}

/** A classifier's graph for one batch size, in which only what depends on the images is left to compute. */
export interface PreparedGraph {
  readonly graph: Graph;
  readonly inference: Inference;
  /** Those of the file, which folding may have dropped from the graph. */
  readonly initializers: Graph['initializers'];
  readonly input: ValueInfo;
  /** Of the input. */
  readonly shape: readonly number[];
  readonly outputName: string;
}

/** The model's graph with its functions inlined, its constants folded and its shapes known. Throws as `lowerModel` does. */
export function prepareGraph(model: Model, options: LowerOptions): PreparedGraph {
  const { opset } = model;
  checkOpset(opset);
  const input = inputOf(model.graph);
  const shape = inputShapeOf(input, options);
  const outputName = outputOf(model.graph, options.outputName);

  const shapes = new Map([[input.name, shape]]);
  const whole = dropDeadNodes(splitSequences(resolveIdentities(inlineFunctions(model))), [outputName]);
  checkOperators(whole, opset);
  // What is constant for any input comes first: exporters compute the targets that `rebatch` looks for.
  const partly = foldConstants(whole, opset, new Map());
  const rebatched = rebatch(partly, input.shape?.[0] ?? options.batch, options.batch);
  const graph = dropDeadNodes(foldConstants(rebatched, opset, shapes), [outputName]);
  checkComputable(graph, opset);

  const inference = inferGraph(graph, opset, shapes);
  checkSize(graph, inference, options);
  return { graph, inference, initializers: whole.initializers, input, shape, outputName };
}

function checkOpset(opset: number): void {
  const [least, most] = SUPPORTED_OPSETS;
  if (opset < least || opset > most) {
    throw new DfkdError(
      'E_UNSUPPORTED',
      `The model is of opset ${opset}; ${least} to ${most} are supported.`,
    );
  }
}

function inputOf({ inputs }: Graph): ValueInfo {
  if (inputs.length !== 1) {
    const names = inputs.map(({ name }) => `'${name}'`).join(', ');
    throw new DfkdError(
      'E_UNSUPPORTED',
      `The model has ${inputs.length} inputs (${names}); an image classifier has one.`,
    );
  }
  const [input] = inputs;
  if (!isFloating(input.type)) {
    throw new DfkdError(
      'E_UNSUPPORTED',
      `Input '${input.name}' is ${input.type}; images are float, float16, bfloat16 or double.`,
    );
  }
  return input;
}

function inputShapeOf({ name, shape }: ValueInfo, { batch, inputShape }: LowerOptions): number[] {
  const item = shape ? shape.slice(1).map((dim, i) => dim ?? inputShape?.[i] ?? null) : inputShape;
  const declared = shape ? `[${shape.map((dim) => dim ?? '?').join(', ')}]` : 'of unknown rank';
  if (!item?.every((dim) => dim !== null)) {
    throw new DfkdError(
      'E_ARG',
      `Input '${name}' is ${declared}: its size is open and must be given (--input-shape 3,224,224).`,
    );
  }
  if (item.length !== 1 && item.length !== 3) {
    throw new DfkdError(
      'E_UNSUPPORTED',
      `Input '${name}' is ${declared}; images [N, C, H, W] and features [N, F] are supported.`,
    );
  }
  return [batch, ...item];
}

function outputOf({ outputs }: Graph, wanted: string | undefined): string {
  const output = wanted === undefined ? outputs[0] : outputs.find(({ name }) => name === wanted);
  if (output && !isFloating(output.type)) {
    throw new DfkdError(
      'E_UNSUPPORTED',
      `Output '${output.name}' is ${output.type}; class scores are floats.`,
    );
  }
  if (output) return output.name;
  const names = outputs.map(({ name }) => `'${name}'`).join(', ');
  throw new DfkdError('E_ARG', `The model has no output '${wanted ?? ''}'; it has ${names}.`);
}

function checkOperators(graph: Graph, opset: number): void {
  const counts = [...unsupportedOperators(graph, opset)];
  if (counts.length === 0) return;
  const list = counts.map(([name, count]) => `${name} (${count})`).join(', ');
  throw new DfkdError('E_UNSUPPORTED', `The model uses operators that are not supported: ${list}.`);
}

/** Some operators exist for the arithmetic of shapes alone; what is left of them after folding cannot be computed. */
function checkComputable(graph: Graph, opset: number): void {
  const left = graph.nodes.find((node) => !findOperator(node, opset)?.forward);
  if (left) {
    throw new DfkdError(
      'E_UNSUPPORTED',
      `${left.opType} '${left.label}' depends on the images; it is supported on constants only.`,
    );
  }
}

/** What a step keeps at least, so that it can be differentiated: every value computed, in float32. */
function checkSize({ nodes }: Graph, { shapes }: Inference, { batch, maxMemory }: LowerOptions): void {
  checkNodeCount(nodes.length);
  const values = nodes.flatMap(({ outputs }) => outputs.map((name) => shapes.get(name) ?? [0]));
  const bytes = values.reduce((sum, shape) => sum + 4 * sizeOf(shape), 0);
  checkMemory(`A step of ${batch} images`, bytes, maxMemory);
}
