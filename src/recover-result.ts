import { takeImages } from './dream/dream-source.js';
import type { Device } from './engine/device.js';
import type { HostTensor } from './engine/engine.js';
import type { Network } from './network/network.js';
import { toBytes, type Preprocessing } from './preprocess.js';
import type { LossCurve, StageRecord } from './run-record.js';
import type { Student } from './student.js';

/** What one run did; the JSON document of the command line. Null where nothing was measured or written. */
export interface RecoverResult {
  readonly input: { readonly path: string; readonly sha256: string };
  readonly output: {
    readonly path: string;
    readonly sha256: string | null;
    readonly bytes: number | null;
    /** Of a student whose weights lie in a file of their own, as its teacher's do. */
    readonly data?: { readonly path: string; readonly sha256: string; readonly bytes: number };
  };
  readonly seed: number;
  readonly preset: string;
  /** Where the steps were computed. */
  readonly device: Device;
  readonly seconds: number;
  /** Shares of the conv and linear weights that are exactly 0. */
  readonly sparsity: { readonly target: number; readonly achieved: number };
  /** Top-1 agreement with the teacher on dreams held out from training, 0..1. */
  readonly agreement: { readonly pruned: number | null; readonly recovered: number | null };
  readonly stages: readonly StageRecord[];
  /** Largest difference between the written file in onnxruntime and the student, in the file's own output. */
  readonly parity: { readonly maxAbsDiff: number | null };
  /** What a report shows beyond the document. Not enumerable, so that JSON.stringify leaves it out. */
  readonly details: RecoverDetails;
}

export interface RecoverDetails {
  /** Of the input file. */
  readonly inputBytes: number;
  /** Name of the engine that computed. */
  readonly engine: string;
  /** What the user should know about the run. */
  readonly notes: readonly string[];
  readonly layers: readonly { readonly name: string; readonly weights: number; readonly zeros: number }[];
  readonly curves: readonly LossCurve[];
  /** Some dreams as pixels 0..255, [count, channels, height, width]; null where none were made. */
  readonly images: { readonly shape: readonly number[]; readonly data: Uint8ClampedArray } | null;
}

/** Attaches the details out of JSON's sight. */
export function withDetails(
  document: Omit<RecoverResult, 'details'>,
  details: RecoverDetails,
): RecoverResult {
  return Object.defineProperty({ ...document, details }, 'details', { enumerable: false });
}

export function describeLayers(network: Network, { weights }: Student): RecoverDetails['layers'] {
  return network.prunable.map((name) => {
    const values = weights.get(name)!;
    let zeros = 0;
    for (const value of values) if (value === 0) zeros++;
    return { name, weights: values.length, zeros };
  });
}

/** The first `count` images as pixels. */
export function showImages(
  images: HostTensor,
  preprocessing: Preprocessing,
  count: number,
): RecoverDetails['images'] {
  const shown = takeImages(
    images,
    Array.from({ length: Math.min(count, images.shape[0]) }, (_, i) => i),
  );
  return { shape: shown.shape, data: toBytes(shown, preprocessing) };
}
