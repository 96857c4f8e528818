import type { Groups } from './groups.js';

/** The mean magnitude of each group of weights; of single weights, their magnitude. */
export function meanMagnitudes(weights: Float32Array, { of, sizes }: Groups): Float32Array {
  const means = new Float32Array(sizes.length);
  for (let weight = 0; weight < weights.length; weight++) {
    const group = of(weight);
    means[group] += Math.abs(weights[weight]) / sizes[group];
  }
  return means;
}
