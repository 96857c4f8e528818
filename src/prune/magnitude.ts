import type { Network } from '../network/network.js';
import { copyTeacher, replaceWeights, type Student } from '../student.js';

/**
 * Global unstructured magnitude pruning: of all convolution and linear weights together, masks the share `sparsity`
 * (rounded down to whole weights) with the smallest magnitude. Equal magnitudes fall in the order of the graph.
 */
export function pruneByMagnitude(network: Network, { sparsity }: { readonly sparsity: number }): Student {
  const teacher = copyTeacher(network);
  const layers = network.prunable.map((name) => ({ name, weights: teacher.weights.get(name)! }));
  const { threshold, ties } = findThreshold(
    layers.map(({ weights }) => weights),
    sparsity,
  );

  let tiesLeft = ties;
  const masks = new Map<string, Float32Array>();
  for (const { name, weights } of layers) {
    const mask = weights.map((weight) => {
      const magnitude = Math.abs(weight);
      if (magnitude !== threshold) return magnitude < threshold ? 0 : 1;
      return tiesLeft-- > 0 ? 0 : 1;
    });
    masks.set(name, mask);
  }
  return replaceWeights({ weights: teacher.weights, masks }, new Map(layers.map((l) => [l.name, l.weights])));
}

/** The largest magnitude to prune, and how many weights of just that magnitude fall. */
function findThreshold(
  layers: readonly Float32Array[],
  sparsity: number,
): { threshold: number; ties: number } {
  const magnitudes = new Float32Array(layers.reduce((total, weights) => total + weights.length, 0));
  let at = 0;
  for (const weights of layers) for (const weight of weights) magnitudes[at++] = Math.abs(weight);
  magnitudes.sort();

  const pruned = Math.floor(sparsity * magnitudes.length);
  if (pruned === 0) return { threshold: -1, ties: 0 };
  const threshold = magnitudes[pruned - 1];
  return { threshold, ties: pruned - magnitudes.indexOf(threshold) };
}
