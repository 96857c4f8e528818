import type { Groups } from './groups.js';

/** The groups of one layer, with a score each, none negative: the lowest are cut first, those of infinite score last. */
export interface Scored {
  readonly groups: Groups;
  readonly scores: Float32Array;
}

/**
 * Of all groups of all layers together, cuts those of the lowest scores, as many as hold at most `count` weights: of the
 * first that no longer fits, none of the same or a higher score but those equal to it that still fit. Equal scores fall
 * in the order of the layers. Single weights are cut to the exact count.
 * @returns per layer, per group, 1 where it is kept and 0 where it is cut
 */
export function cutLowest(layers: readonly Scored[], count: number): Uint8Array[] {
  const threshold = findThreshold(layers, count);
  let left = count;
  const kept = layers.map(({ groups: { sizes }, scores }) =>
    new Uint8Array(scores.length).map((_, group) => {
      if (scores[group] >= threshold) return 1;
      left -= sizes[group];
      return 0;
    }),
  );
  layers.forEach(({ groups: { sizes }, scores }, layer) => {
    scores.forEach((score, group) => {
      if (score !== threshold || sizes[group] > left) return;
      left -= sizes[group];
      kept[layer][group] = 0;
    });
  });
  return kept;
}

/** Half of a float's bits. */
const HALF = 2 ** 16;

/**
 * The lowest score whose groups, with all of lower score, hold more than `count` weights; Infinity where none do. Floats
 * that are not negative are ordered as their bits are, so two histograms find it, of the bits' upper half and then of the
 * lower: nothing is sorted, and models have hundreds of millions of weights.
 */
function findThreshold(layers: readonly Scored[], count: number): number {
  const upper = histogram(layers, (bits) => bits >>> 16);
  const { at: high, before } = firstBeyond(upper, count);
  if (high === HALF) return Infinity;
  const lower = histogram(layers, (bits) => (bits >>> 16 === high ? bits & (HALF - 1) : -1));
  const { at: low } = firstBeyond(lower, count - before);
  return new Float32Array(Uint32Array.of(high * HALF + low).buffer)[0];
}

/** Weights by what `bin` makes of their group's score; of no bin where it gives -1. */
function histogram(layers: readonly Scored[], bin: (bits: number) => number): Float64Array {
  const weights = new Float64Array(HALF);
  for (const { groups, scores } of layers) {
    const bits = new Uint32Array(scores.buffer, scores.byteOffset, scores.length);
    for (let group = 0; group < bits.length; group++) {
      const at = bin(bits[group]);
      if (at >= 0) weights[at] += groups.sizes[group];
    }
  }
  return weights;
}

/** Where the running sum first exceeds `count`, and the sum before; past the end where it never does. */
function firstBeyond(sizes: Float64Array, count: number): { at: number; before: number } {
  let before = 0;
  let at = 0;
  for (; at < sizes.length && before + sizes[at] <= count; at++) before += sizes[at];
  return { at, before };
}

/** The same scores, infinite for the `count` best groups of the layer: those fall last. Of equal ones the last are spared. */
export function spareBest({ groups, scores }: Scored, count: number): Scored {
  if (count === 0) return { groups, scores };
  const alike = { of: groups.of, sizes: new Uint16Array(scores.length).fill(1) };
  const [best] = cutLowest([{ groups: alike, scores }], scores.length - count);
  return { groups, scores: scores.map((score, group) => (best[group] === 1 ? Infinity : score)) };
}
