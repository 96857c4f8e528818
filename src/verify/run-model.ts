import type { InferenceSession } from 'onnxruntime-node';
import { DfkdError } from '../../converters/errors.js';
import { shorten } from '../../converters/printable.js';
import { readModel } from '../../converters/read.js';
import { toRunnable, type Runnable } from '../../converters/runnable.js';
import type { HostTensor } from '../engine/engine.js';
import { loadOnnxRuntime } from '../engine/onnxruntime/runtime.js';
import { defaultThreads } from '../engine/onnxruntime/threads.js';

export interface RunModelOptions {
  /** Threads within one operator; default `defaultThreads`. */
  readonly threads?: number | undefined;
  /** Default: the model's only input that has no initializer, and its first output. */
  readonly inputName?: string | undefined;
  readonly outputName?: string | undefined;
  /** Images per run where the model leaves the batch open. */
  readonly batch?: number | undefined;
  /** Bytes that a file to read may take; default three quarters of the machine's. */
  readonly maxMemory?: number | undefined;
}

/**
 * Runs a model in onnxruntime, batch by batch. onnxruntime gets bytes alone, and opens no file.
 * @param model as `toRunnable` gives it or its bytes alone, or the path of a file to read and give to it
 * @param images [N, ...] as the model takes them; N is free even where the model's batch is fixed
 * @returns the output, [N, ...]
 * @throws DfkdError E_UNSUPPORTED where onnxruntime refuses the model or its output has no batch axis, E_SHAPE where the
 * images do not fit its input
 */
export async function runModel(
  model: Runnable | Uint8Array | string,
  images: HostTensor,
  options: RunModelOptions = {},
): Promise<HostTensor> {
  const { threads, maxMemory } = options;
  const { bytes, weights } =
    typeof model === 'string'
      ? toRunnable(await readModel(model, { maxMemory }))
      : model instanceof Uint8Array
        ? { bytes: model, weights: new Map() }
        : model;
  const session = await createSession(bytes, threads);
  const fixed = feedsOf(weights);
  try {
    const name = options.inputName ?? session.inputNames[0];
    const outputName = options.outputName ?? session.outputNames[0];
    const fixedBatch = checkInput(session, name, images.shape);
    const count = images.shape[0];
    const batch = fixedBatch ?? Math.min(options.batch ?? 32, count);
    const parts: Float32Array[] = [];
    let itemShape: readonly number[] = [];
    for (let start = 0; start < count; start += batch) {
      const feed = slice(images, start, fixedBatch ?? Math.min(batch, count - start));
      const output = await runBatch(session, { ...fixed, [name]: toTensor(feed) }, outputName);
      itemShape = output.shape.slice(1);
      const wanted = Math.min(batch, count - start) * itemShape.reduce((product, dim) => product * dim, 1);
      if (output.shape[0] !== feed.shape[0]) {
        throw new DfkdError(
          'E_UNSUPPORTED',
          `Output '${outputName}' has shape [${output.shape.join(', ')}] for a batch of ${feed.shape[0]}; its first axis must be the batch.`,
        );
      }
      parts.push(output.data.subarray(0, wanted));
    }
    return { shape: [count, ...itemShape], data: concatenate(parts) };
  } finally {
    await session.release();
  }
}

async function createSession(model: Uint8Array, threads = defaultThreads()): Promise<InferenceSession> {
  const options: InferenceSession.SessionOptions = {
    executionProviders: ['cpu'],
    logSeverityLevel: 3,
    intraOpNumThreads: threads,
  };
  const { InferenceSession: sessions } = loadOnnxRuntime();
  try {
    return await sessions.create(model, options);
  } catch (error) {
    throw new DfkdError('E_UNSUPPORTED', `onnxruntime cannot load the model: ${describe(error)}.`, {
      cause: error,
    });
  }
}

/** Compares with the declared input shape, if there is one; returns the batch where the model fixes it. */
function checkInput(session: InferenceSession, name: string, shape: readonly number[]): number | undefined {
  const input = session.inputMetadata.find((value) => value.name === name);
  if (!input?.isTensor) throw new DfkdError('E_MODEL', `The model has no tensor input '${name}'.`);
  if (input.shape.length === 0) return undefined;
  const fits =
    shape.length === input.shape.length &&
    input.shape.every((dim, axis) => axis === 0 || typeof dim === 'string' || dim === shape[axis]);
  if (!fits) {
    throw new DfkdError(
      'E_SHAPE',
      `Input '${name}' takes [${input.shape.join(', ')}], but the images are [${shape.join(', ')}].`,
    );
  }
  const batch = input.shape[0];
  return typeof batch === 'number' && batch > 0 ? batch : undefined;
}

async function runBatch(
  session: InferenceSession,
  feeds: InferenceSession.FeedsType,
  outputName: string,
): Promise<HostTensor> {
  let output;
  try {
    const results = await session.run(feeds, [outputName]);
    output = results[outputName]!;
  } catch (error) {
    throw new DfkdError('E_UNSUPPORTED', `onnxruntime cannot run the model: ${describe(error)}.`, {
      cause: error,
    });
  }
  if (output.type !== 'float32') {
    throw new DfkdError(
      'E_UNSUPPORTED',
      `Output '${outputName}' is ${output.type}; a classifier gives float32 logits.`,
    );
  }
  return { shape: output.dims, data: output.data as Float32Array };
}

function feedsOf(weights: Runnable['weights']): InferenceSession.FeedsType {
  return Object.fromEntries(
    Array.from(weights, ([name, { dims, data }]) => [
      name,
      toTensor({ shape: dims, data: data as Float32Array }),
    ]),
  );
}

function toTensor({ shape, data }: HostTensor): InferenceSession.FeedsType[string] {
  const { Tensor } = loadOnnxRuntime();
  return new Tensor('float32', data, shape);
}

/** Images [start, start + size) of the batch axis, zeros where it runs past the end (models with a fixed batch). */
function slice(images: HostTensor, start: number, size: number): HostTensor {
  const item = images.data.length / images.shape[0];
  const part = images.data.subarray(start * item, (start + size) * item);
  const data = part.length === size * item ? part : new Float32Array(size * item);
  if (data !== part) data.set(part);
  return { shape: [size, ...images.shape.slice(1)], data };
}

function concatenate(parts: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    all.set(part, offset);
    offset += part.length;
  }
  return all;
}

/** onnxruntime's own words, without the places in its source, as long as a person reads. */
function describe(error: unknown): string {
  const [line] = (error instanceof Error ? error.message : String(error)).split('\n');
  const place = /^.*\.(?:cc|h):\d+ .*(?: was false\.|\)) (?=[A-Z])/;
  return shorten(line.replace(place, '')).replace(/[\s.]+$/, '');
}
