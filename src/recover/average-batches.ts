import type * as tf from '@tensorflow/tfjs-core';
import type { ImageSource } from '../dream/image-source.js';
import type { Engine, Tensors } from '../engine/engine.js';
import { throwIfInterrupted, type RunControl } from '../progress.js';
import { atStep, requireFiniteOutput } from '../require-finite.js';

const ADVICE = "the network's weights or the images may be out of range";

export interface AverageOptions {
  readonly source: ImageSource;
  /** Images per batch, and how many batches. */
  readonly batch: number;
  readonly batches: number;
  /** What progress events call the work. */
  readonly stage: string;
}

/**
 * The means over several batches of images of what `measure` yields for each, by name. Nothing is trained.
 * @param measure a pure tfjs function of images [batch, channels, height, width]
 * @throws DfkdError E_NONFINITE
 */
export async function averageOverBatches(
  engine: Engine,
  measure: (images: tf.Tensor) => Tensors,
  { source, batch, batches, stage }: AverageOptions,
  control: RunControl = {},
): Promise<Map<string, Float32Array>> {
  const sums = new Map<string, Float64Array>();
  let images = await source.next(batch);
  const step = await engine.compile((state, input) => ({ state, output: measure(input['images']) }), {
    state: {},
    input: { images },
  });
  try {
    for (let i = 0; i < batches; i++) {
      throwIfInterrupted(control);
      if (i > 0) images = await source.next(batch);
      const output = await step.run({ images });
      await requireFiniteOutput(step, output, atStep(`${stage} batch`, i + 1, batches, ADVICE));
      for (const [name, { data }] of Object.entries(output)) {
        const sum = sums.get(name) ?? new Float64Array(data.length);
        sums.set(name, sum);
        data.forEach((value, j) => (sum[j] += value));
      }
      control.onProgress?.({ stage, step: i + 1, steps: batches });
    }
  } finally {
    await step.dispose();
  }
  return new Map([...sums].map(([name, sum]) => [name, Float32Array.from(sum, (value) => value / batches)]));
}
