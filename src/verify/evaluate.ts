import { DfkdError } from '../../converters/errors.js';
import { findLayout } from '../../converters/passes/find-layout.js';
import { toRunnable } from '../../converters/runnable.js';
import { type NpyArray, readNpy } from '../npy.js';
import { type MemoryOptions, type NoteOptions, requireScores, type SignatureOptions } from '../open-model.js';
import { type PreprocessOption, resolvePreprocessing, toLayout, toModelInput } from '../preprocess.js';
import { openRunnable } from './open-runnable.js';
import { runModel } from './run-model.js';

export interface EvaluateOptions extends SignatureOptions, MemoryOptions, NoteOptions {
  /** Path of a uint8 .npy, [N, channels, height, width]. */
  readonly images: string;
  /** Path of an integer .npy, [N], classes from 0. */
  readonly labels: string;
  /** Default auto. */
  readonly preprocess?: PreprocessOption | undefined;
  readonly threads?: number | undefined;
}

/** Images per run. */
const BATCH = 32;

/** Top-1: `correct` of `count` images have their largest output at their label; `accuracy` is the share, 0..1. */
export interface Evaluation {
  readonly accuracy: number;
  readonly correct: number;
  readonly count: number;
}

/** Runs a model in onnxruntime on labelled images. Throws E_IO, E_PARSE, E_TENSOR, E_SHAPE, E_ARG, E_UNSUPPORTED. */
export async function evaluateModel(path: string, options: EvaluateOptions): Promise<Evaluation> {
  const opened = await openRunnable(path, BATCH, options);
  requireScores(opened, options);
  const { model, notes } = opened;
  for (const note of notes) options.onNote?.(note);
  const images = await readNpy(options.images);
  if (!(images.data instanceof Uint8Array) || images.shape.length !== 4) {
    throw new DfkdError(
      'E_TENSOR',
      `'${options.images}' holds ${images.type} of shape (${images.shape.join(', ')}); images are uint8 of shape (count, channels, height, width).`,
    );
  }
  const labels = readLabels(await readNpy(options.labels), options.labels, images.shape[0]);
  const input = toModelInput(
    images.data,
    images.shape,
    resolvePreprocessing(options.preprocess ?? 'auto', model),
  );
  const logits = await runModel(toRunnable(model), toLayout(input, findLayout(model.graph)), {
    threads: options.threads,
    batch: BATCH,
    outputName: model.graph.outputs[0].name,
  });
  const [, classes = 1, ...rest] = logits.shape;
  if (classes < 2 || rest.some((size) => size !== 1)) {
    throw new DfkdError(
      'E_UNSUPPORTED',
      `The model's output has shape [${logits.shape.join(', ')}]; a classifier gives [batch, classes] with at least 2 classes.`,
    );
  }
  const wrong = labels.find((label) => label < 0 || label >= classes);
  if (wrong !== undefined) {
    throw new DfkdError(
      'E_TENSOR',
      `'${options.labels}' holds label ${wrong}, but the model has ${classes} classes.`,
    );
  }
  const correct = topClasses(logits.data, classes).filter((top, i) => top === labels[i]).length;
  return { accuracy: correct / labels.length, correct, count: labels.length };
}

function readLabels({ type, shape, data }: NpyArray, name: string, count: number): number[] {
  if (type.startsWith('float') || shape.length !== 1) {
    throw new DfkdError(
      'E_TENSOR',
      `'${name}' holds ${type} of shape (${shape.join(', ')}); labels are integers of shape (count,).`,
    );
  }
  if (data.length !== count || count === 0) {
    throw new DfkdError('E_SHAPE', `There are ${count} images but ${data.length} labels.`);
  }
  return Array.from(data, Number);
}

/** Index of each row's largest value, the first of equal ones; -1 for a row without a number. */
export function topClasses(logits: Float32Array, classes: number): number[] {
  return Array.from({ length: logits.length / classes }, (_, row) => {
    const scores = logits.subarray(row * classes, (row + 1) * classes);
    return scores.indexOf(scores.reduce((best, score) => Math.max(best, score), -Infinity));
  });
}
