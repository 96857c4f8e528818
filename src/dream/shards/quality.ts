import type { ClassGrid, DreamsReport } from '../../dreams-report.js';
import { toBytes, type Preprocessing } from '../../preprocess.js';
import { createDuplicateSearch } from './duplicates.js';
import { layerDistances } from './distance.js';
import { averageCurves } from './curves.js';
import type { Shard } from './shard.js';

/** Images of a class in the picture, and its pixels at most. */
const COLUMNS = 10;
const PIXELS = 8e6;

/** Sums up shards, one after another; those that went by need not stay in memory. */
export interface Quality {
  add(shard: Shard): void;
  report(): DreamsReport;
  grid(): ClassGrid;
}

interface ClassSum {
  count: number;
  agreed: number;
  /** Sum of the features, each scaled to length 1. */
  readonly direction: Float64Array;
}

/** At least one shard must be added. */
export function createQuality(): Quality {
  const classes = new Map<number, ClassSum>();
  const duplicates = createDuplicateSearch();
  const shown = new Map<number, Uint8Array[]>();
  const curves: Shard['curves'][] = [];
  let first: Shard | undefined;
  const sums = { count: 0, deviation: new Float64Array(), square: new Float64Array() };

  function add(shard: Shard): void {
    const { targets, logits, features, images, statistics } = shard;
    first ??= withoutImages(shard);
    targets.forEach((target, i) => {
      const own = classes.get(target) ?? newSum(features.shape[1]);
      classes.set(target, own);
      own.count++;
      if (argMax(rowOf(logits, i)) === target) own.agreed++;
      addDirection(own.direction, rowOf(features, i));
      duplicates.add(target, images.shape, rowOf(images, i));
      const row = shown.get(target) ?? [];
      if (row.length < COLUMNS) shown.set(target, [...row, pixels(shard, i)]);
    });
    for (const name of ['deviation', 'square'] as const) {
      if (sums.count === 0) sums[name] = new Float64Array(statistics[name].length);
      statistics[name].forEach((value, c) => (sums[name][c] += value * targets.length));
    }
    sums.count += targets.length;
    curves.push(shard.curves);
  }

  function report(): DreamsReport {
    const { plan, statistics } = first!;
    const { layers, start, noise } = statistics;
    const mean = (name: 'deviation' | 'square') => Float32Array.from(sums[name], (sum) => sum / sums.count);
    const distances = layerDistances({
      ...statistics,
      deviation: mean('deviation'),
      square: mean('square'),
    });
    const ordered = [...classes].sort(([a], [b]) => a - b);
    const sumOf = (f: (own: ClassSum) => number) => ordered.reduce((sum, [, own]) => sum + f(own), 0);
    return {
      count: sums.count,
      synthesis: plan.config.synthesis,
      seed: plan.seed,
      teacherSha256: plan.teacher.sha256,
      agreement: sumOf(({ agreed }) => agreed) / sums.count,
      classes: ordered.map(([id, { count, agreed }]) => ({ class: id, count, agreement: agreed / count })),
      bnDistance: {
        start: meanOrNull(start),
        dreams: meanOrNull(distances),
        noise: meanOrNull(noise),
      },
      batchNorms: layers.map(({ name }, i) => ({
        name,
        start: start[i],
        dreams: distances[i],
        noise: noise[i],
      })),
      diversity: { spread: spread([...classes.values()]), duplicates: duplicates.count() / sums.count },
      curves: averageCurves(curves),
    };
  }

  function grid(): ClassGrid {
    const [, channels, height, width] = first!.images.shape;
    const size = channels * height * width;
    const columns = Math.max(...Array.from(shown.values(), (row) => row.length));
    const rows = Math.max(1, Math.floor(PIXELS / (columns * height * width)));
    const chosen = [...shown].sort(([a], [b]) => a - b).slice(0, rows);
    const data = new Uint8Array(chosen.length * columns * size);
    chosen.forEach(([, row], y) => {
      row.forEach((image, x) => {
        data.set(image, (y * columns + x) * size);
      });
    });
    return { shape: [chosen.length * columns, channels, height, width], data, columns };
  }

  return { add, report, grid };
}

/** Of what a quality keeps of its first shard, the images are the large part. */
function withoutImages(shard: Shard): Shard {
  return { ...shard, images: { shape: shard.images.shape, data: new Uint8Array() } };
}

function newSum(features: number): ClassSum {
  return { count: 0, agreed: 0, direction: new Float64Array(features) };
}

/** A vector of length 0 has no direction and adds nothing. */
function addDirection(sum: Float64Array, vector: Float32Array): void {
  const length = Math.sqrt(vector.reduce((total, x) => total + x * x, 0));
  if (length > 0) vector.forEach((x, i) => (sum[i] += x / length));
}

/**
 * Mean over classes of the mean cosine distance of two different images: with unit vectors u, the sum of u_i . u_j over
 * all pairs i != j is |sum u|^2 - n. Free of scale, and of how many images a class has; from 0, the same direction, to
 * 1, unrelated (features after a ReLU do not oppose each other). Classes of one image tell nothing; null
 * without others.
 */
function spread(classes: readonly ClassSum[]): number | null {
  const several = classes.filter(({ count }) => count > 1);
  const distances = several.map(({ count, direction }) => {
    const squared = direction.reduce((sum, x) => sum + x * x, 0);
    return 1 - (squared - count) / (count * (count - 1));
  });
  return meanOrNull(distances);
}

function meanOrNull(values: ArrayLike<number>): number | null {
  return values.length === 0 ? null : Array.from(values).reduce((sum, x) => sum + x, 0) / values.length;
}

function rowOf<T extends Float32Array | Uint8Array>(
  { shape, data }: { readonly shape: readonly number[]; readonly data: T },
  row: number,
): T {
  const size = data.length / shape[0];
  return data.subarray(row * size, (row + 1) * size) as T;
}

function pixels({ images, plan }: Shard, index: number): Uint8Array {
  const data = rowOf(images, index);
  if (data instanceof Uint8Array) return data.slice();
  const { input, preprocessing } = plan.config;
  const known: Preprocessing = { name: '', channels: input[0], ...preprocessing };
  return Uint8Array.from(toBytes({ shape: [1, ...input], data }, known));
}

function argMax(row: Float32Array): number {
  let best = 0;
  row.forEach((value, i) => {
    if (value > row[best]) best = i;
  });
  return best;
}
