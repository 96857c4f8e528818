import { DfkdError } from '../converters/errors.js';
import type { Graph, Model, ValueInfo } from '../converters/model.js';
import { notePartialFolding } from '../converters/passes/find-batch-norms.js';
import { inlineFunctions } from '../converters/passes/inline-functions.js';
import { resolveIdentities } from '../converters/passes/resolve-identities.js';
import { shorten } from '../converters/printable.js';
import { readModel } from '../converters/read.js';
import { trainingBatchNorms } from '../converters/runnable.js';
import { validateModel } from '../converters/validate.js';

/** What a file may leave open, and the caller then says. */
export interface SignatureOptions {
  /** Shape of one item without the batch, such as [3, 224, 224]. */
  readonly inputShape?: readonly number[] | undefined;
  /** The output that holds the class scores; default the first. */
  readonly outputName?: string | undefined;
}

export interface MemoryOptions {
  /** Bytes that may be used; default three quarters of the machine's. */
  readonly maxMemory?: number | undefined;
}

export interface NoteOptions {
  /** Told what the user should know, once for each thing. */
  readonly onNote?: ((note: string) => void) | undefined;
}

export interface OpenedModel {
  /** With the given input shape, and the chosen output alone; its bytes are the file's. */
  readonly model: Model;
  /** Names of all outputs. */
  readonly outputs: readonly string[];
  /** What the user should know of how the file is read. */
  readonly notes: readonly string[];
}

/** What every command begins with. Throws as `readModel` and `validateModel` do; E_ARG where an option does not fit. */
export async function openModel(
  path: string,
  options: SignatureOptions & MemoryOptions = {},
): Promise<OpenedModel> {
  const file = await readModel(path, { maxMemory: options.maxMemory });
  const { graph } = file;
  const inputs = graph.inputs.map((input) => withShape(input, options.inputShape));
  const outputs = [chooseOutput(graph.outputs, options.outputName)];
  const model = { ...file, graph: { ...graph, inputs, outputs } };
  validateModel(model);
  const whole = resolveIdentities(inlineFunctions(model));
  const notes = [noteOutputs(graph.outputs, options), noteTraining(whole), notePartialFolding(whole)];
  const names = graph.outputs.map(({ name }) => name);
  return { model, outputs: names, notes: notes.filter((note) => note !== undefined) };
}

function withShape(input: ValueInfo, item: SignatureOptions['inputShape']): ValueInfo {
  if (item === undefined) return input;
  const [batch, ...declared] = input.shape ?? [null, ...item.map(() => null)];
  const fits =
    item.length === declared.length && item.every((size, i) => declared[i] === null || declared[i] === size);
  if (item.length === 0 || !item.every((size) => Number.isSafeInteger(size) && size > 0)) {
    throw new DfkdError(
      'E_ARG',
      `The input shape is [${item.join(', ')}]; it is whole numbers from 1, without the batch.`,
    );
  }
  if (!fits) {
    const shown = [batch, ...declared].map((size) => size ?? '?').join(', ');
    throw new DfkdError(
      'E_ARG',
      `Input '${input.name}' is [${shown}], which [${item.join(', ')}] without the batch does not fit.`,
    );
  }
  return { ...input, shape: [batch, ...item] };
}

function chooseOutput(outputs: readonly ValueInfo[], wanted: string | undefined): ValueInfo {
  const output = wanted === undefined ? outputs[0] : outputs.find(({ name }) => name === wanted);
  if (output) return output;
  const names = outputs.map(({ name }) => `'${name}'`).join(', ');
  throw new DfkdError('E_ARG', `The model has no output '${wanted ?? ''}'; it has ${names}.`);
}

function noteOutputs(outputs: readonly ValueInfo[], { outputName }: SignatureOptions): string | undefined {
  if (outputs.length === 1 || outputName !== undefined) return undefined;
  return `The model has ${outputs.length} outputs; the first, '${shorten(outputs[0].name)}', is used (--output chooses another).`;
}

/** onnxruntime obeys the nodes as they are and normalises with each batch's own statistics. */
function noteTraining({ nodes }: Graph): string | undefined {
  const norms = trainingBatchNorms(nodes);
  if (norms.length === 0) return undefined;
  return (
    `${norms.length} batch norms, '${shorten(norms[0].label)}' first, were exported in training mode. They are read as inference, ` +
    'with their stored statistics, and compared with onnxruntime on a copy in memory read so; a file that is written ' +
    'keeps its nodes, for which onnxruntime takes the statistics of each batch. To deploy it, export again with ' +
    'model.eval() and training=torch.onnx.TrainingMode.PRESERVE.'
  );
}

/**
 * Of several outputs the first may well be pooled features, [batch, channels, 1, 1], which alone would be scores.
 * @throws DfkdError E_UNSUPPORTED where nobody chose it and it is not declared as [batch, classes]
 */
export function requireScores({ model, outputs }: OpenedModel, { outputName }: SignatureOptions): void {
  const [{ name, shape }] = model.graph.outputs;
  if (outputs.length === 1 || outputName !== undefined || shape === null || shape.length === 2) return;
  throw new DfkdError(
    'E_UNSUPPORTED',
    `Output '${shorten(name)}', the first of several, is [${shape.map((dim) => dim ?? '?').join(', ')}]; class scores are ` +
      '[batch, classes] (--output chooses another).',
  );
}
