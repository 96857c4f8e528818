import type { Groups } from './groups.js';

/** The mean magnitude of each group of weights; of single weights, their magnitude. */
export function meanMagnitudes(weights: Float32Array, { of, sizes }: Groups): Float64Array {
  const means = new Float64Array(sizes.length);
  for (let weight = 0; weight < weights.length; weight++) means[of(weight)] += Math.abs(weights[weight]);
  return means.map((sum, group) => sum / sizes[group]);
}
