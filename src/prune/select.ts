import type { Groups } from './groups.js';

/** The groups of one layer, with a score each: the lowest are cut first, those of infinite score last. */
export interface Scored {
  readonly groups: Groups;
  readonly scores: Float64Array;
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
    Uint8Array.from(scores, (score, group) => {
      if (score >= threshold) return 1;
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

/** The lowest score whose groups, with all of lower score, hold more than `count` weights; Infinity where none do. */
function findThreshold(layers: readonly Scored[], count: number): number {
  const sorted = new Float64Array(layers.reduce((total, { scores }) => total + scores.length, 0));
  let at = 0;
  for (const { scores } of layers) {
    sorted.set(scores, at);
    at += scores.length;
  }
  sorted.sort();
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (weightsUpTo(layers, sorted[middle]) > count) high = middle;
    else low = middle + 1;
  }
  return low < sorted.length ? sorted[low] : Infinity;
}

function weightsUpTo(layers: readonly Scored[], score: number): number {
  let weights = 0;
  for (const { groups, scores } of layers) {
    for (let group = 0; group < scores.length; group++) {
      if (scores[group] <= score) weights += groups.sizes[group];
    }
  }
  return weights;
}

/** The same scores, infinite for the `count` best groups of the layer: those fall last. Of equal ones the last are spared. */
export function spareBest({ groups, scores }: Scored, count: number): Scored {
  if (count === 0) return { groups, scores };
  const threshold = scores.slice().sort()[scores.length - count];
  let left = count - scores.filter((score) => score > threshold).length;
  const spared = scores.slice();
  for (let group = scores.length - 1; group >= 0; group--) {
    if (scores[group] > threshold || (scores[group] === threshold && left-- > 0)) spared[group] = Infinity;
  }
  return { groups, scores: spared };
}
