import type { LossCurve } from './run-record.js';

/**
 * How good a set of dreams is, measured without real images; the content of report.json. Of the shards alone: no time
 * and no place, so that the same dreams have the same report.
 */
export interface DreamsReport {
  readonly count: number;
  readonly synthesis: string;
  readonly seed: number;
  readonly teacherSha256: string;
  /** Share of images whose largest logit is that of their target, 0..1. */
  readonly agreement: number;
  readonly classes: readonly { readonly class: number; readonly count: number; readonly agreement: number }[];
  /** Distance of batch-norm statistics to the stored ones, mean over the layers; null for a teacher without any. */
  readonly bnDistance: {
    readonly start: number | null;
    readonly dreams: number | null;
    readonly noise: number | null;
  };
  /** The same of each layer. */
  readonly batchNorms: readonly {
    readonly name: string;
    readonly start: number;
    readonly dreams: number;
    readonly noise: number;
  }[];
  readonly diversity: {
    /** Mean cosine distance between the penultimate features of two images of a class, over the classes; 0 is one image, null unmeasured. */
    readonly spread: number | null;
    /** Share of images that another of their class equals but for little. */
    readonly duplicates: number;
  };
  /** Mean over the shards. */
  readonly curves: readonly LossCurve[];
}

/** Images of some classes, a row for each, as pixels 0..255 [rows * columns, channels, height, width]. */
export interface ClassGrid {
  readonly shape: readonly number[];
  readonly data: Uint8Array;
  readonly columns: number;
}

/** What `onnx-dfkd dream` did; the JSON document of the command line. */
export interface DreamsResult {
  /** Images of the set, or of the shard. */
  readonly count: number;
  readonly agreement: number;
  readonly bnDistance: number | null;
  readonly bnDistanceNoise: number | null;
  readonly diversity: number | null;
  readonly seconds: number;
  /** Of those made now; null where none was. */
  readonly imagesPerSecond: number | null;
  /** What the terminal shows beyond the document. Not enumerable, so that JSON.stringify leaves it out. */
  readonly details: { readonly folder: string; readonly report: DreamsReport };
}

/** `made`: images that took the time, in seconds. */
export function summarise(folder: string, report: DreamsReport, made: number, seconds: number): DreamsResult {
  const { count, agreement, bnDistance, diversity } = report;
  const document = {
    count,
    agreement,
    bnDistance: bnDistance.dreams,
    bnDistanceNoise: bnDistance.noise,
    diversity: diversity.spread,
    seconds,
    imagesPerSecond: made === 0 ? null : made / seconds,
  };
  return Object.defineProperty({ ...document, details: { folder, report } }, 'details', {
    enumerable: false,
  });
}
