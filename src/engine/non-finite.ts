/** Finding NaN and infinity among tensors, and in a step that computes while it runs. */
import type * as tfjs from '@tensorflow/tfjs-core';
import type { HostTensor, NonFinite, Step, Tensors } from './engine.js';
import { observeKernels } from './labels.js';

/** The first element that is no finite number. */
export function firstNonFinite(data: Float32Array): number | undefined {
  return data.find((value) => !Number.isFinite(value));
}

/** The first of the tensors given to a step that holds such an element. */
export function nonFiniteOf(
  origin: 'state' | 'input',
  arrays: Readonly<Record<string, HostTensor>>,
): NonFinite | undefined {
  for (const [name, { data }] of Object.entries(arrays)) {
    const value = firstNonFinite(data);
    if (value !== undefined) return { origin, name, value };
  }
  return undefined;
}

/**
 * For engines that compute while the step runs: runs it once more and reads every kernel's result.
 * @returns undefined where every value is finite
 */
export function diagnoseEagerly(
  tf: typeof tfjs,
  step: Step,
  state: Tensors,
  input: Tensors,
): NonFinite | undefined {
  const read = (tensors: Tensors) =>
    Object.fromEntries(
      Object.entries(tensors).map(([name, tensor]) => [
        name,
        { shape: tensor.shape, data: tensor.dataSync<'float32'>() },
      ]),
    );
  let found = nonFiniteOf('state', read(state)) ?? nonFiniteOf('input', read(input));
  if (found !== undefined) return found;
  tf.tidy(() => {
    observeKernels(
      tf,
      (kernel, outputs, label) => {
        for (const output of outputs) {
          if (found !== undefined || output.dtype !== 'float32') continue;
          const value = firstNonFinite(output.dataSync<'float32'>());
          if (value !== undefined) found = { origin: 'step', name: label ?? kernel, value };
        }
      },
      () => step(state, input),
    );
  });
  return found;
}
