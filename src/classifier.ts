import * as tf from '@tensorflow/tfjs-core';
import { takeImages } from './dream/dream-source.js';
import type { Arrays, Engine, HostTensor } from './engine/engine.js';
import { zeros } from './engine/host-tensor.js';
import type { Network } from './network/network.js';
import { requireFiniteOutput } from './require-finite.js';
import { copyTeacher, type Student } from './student.js';

/** Runs a network in inference mode, with the weights of any student. */
export interface Classifier {
  /** Logits [count, classes] of images [count, channels, height, width], any count. Throws E_NONFINITE. */
  logits(student: Student, images: HostTensor): Promise<HostTensor>;
  dispose(): Promise<void>;
}

const CIRCUMSTANCES = {
  when: 'while the network classified images',
  advice: 'its weights or the preprocessing may be wrong',
};

export async function createClassifier(engine: Engine, network: Network): Promise<Classifier> {
  const { batch } = network;
  const { shape } = network.input;
  const blank = zeros(shape);
  const step = await engine.compile(
    (weights, { images }) => ({
      state: weights,
      output: { logits: network.forward(tf, weights, images).logits },
    }),
    { state: toArrays(network, copyTeacher(network).weights), input: { images: blank } },
  );

  return {
    async logits(student, images) {
      await step.writeState(toArrays(network, student.weights));
      const [count] = images.shape;
      const data = new Float32Array(count * network.output.classes);
      for (let start = 0; start < count; start += batch) {
        // The last batch is filled up with the first images; their logits are dropped.
        const indices = Array.from({ length: batch }, (_, i) => (start + i) % count);
        const output = await step.run({ images: takeImages(images, indices) });
        await requireFiniteOutput(step, output, CIRCUMSTANCES);
        const { logits } = output;
        const wanted = Math.min(batch, count - start) * network.output.classes;
        data.set(logits.data.subarray(0, wanted), start * network.output.classes);
      }
      return { shape: [count, network.output.classes], data };
    },
    dispose: () => step.dispose(),
  };
}

/** Weights as a step's state, shaped as the network has them. */
export function toArrays(network: Network, weights: ReadonlyMap<string, Float32Array>): Arrays {
  return Object.fromEntries(
    Array.from(weights, ([name, data]) => [name, { shape: network.parameters.get(name)!.dims, data }]),
  );
}

/** Share of rows whose largest element is at the same place; logits [count, classes]. */
export function measureAgreement(a: HostTensor, b: HostTensor): number {
  const [count, classes] = a.shape;
  let equal = 0;
  for (let i = 0; i < count; i++) if (argMax(a, i, classes) === argMax(b, i, classes)) equal++;
  return equal / count;
}

function argMax({ data }: HostTensor, row: number, classes: number): number {
  let best = 0;
  for (let c = 1; c < classes; c++) if (data[row * classes + c] > data[row * classes + best]) best = c;
  return best;
}
