import type { HostTensor } from '../engine/engine.js';
import { createRandom } from '../random.js';

/**
 * The classes of the images of each batch, in an order drawn once and repeated: any run of consecutive images, and so
 * every batch as well as all of them, shows each class equally often, to within one. Where the classes outnumber the
 * batch, their neighbours (breeds of dog) do not fill it together. It is one order for all runs, so that the parts of a
 * set continue each other.
 * @param first number of the first image of batch 0
 */
export function balancedTargets(
  classes: number,
  batch: number,
  first = 0,
): (index: number) => readonly number[] {
  const order = createRandom(0).split('classes').permutation(classes);
  return (index) => Array.from({ length: batch }, (_, i) => order[(first + index * batch + i) % classes]);
}

/** [targets, classes] with a 1 in each row. */
export function oneHot(targets: readonly number[], classes: number): HostTensor {
  const data = new Float32Array(targets.length * classes);
  targets.forEach((target, i) => (data[i * classes + target] = 1));
  return { shape: [targets.length, classes], data };
}

/** The class of the largest of each row; logits [count, classes]. */
export function predictedClasses({ shape: [count, classes], data }: HostTensor): number[] {
  return Array.from({ length: count }, (_, i) => {
    const row = data.subarray(i * classes, (i + 1) * classes);
    return row.indexOf(Math.max(...row));
  });
}
