import * as tf from '@tensorflow/tfjs-core';
import type { Engine, HostTensor, Step } from '../../engine/engine.js';
import { zeros } from '../../engine/host-tensor.js';
import type { Network } from '../../network/network.js';
import { requireFiniteOutput } from '../../require-finite.js';
import { takeImages } from '../dream-source.js';
import { layerDistances } from './distance.js';
import type { LayerStatistics } from './shard.js';

/** What the teacher says of images. */
export interface Examination {
  /** [count, classes] */
  readonly logits: HostTensor;
  /** [count, features]: what the last layer reads, averaged over positions. */
  readonly features: HostTensor;
  readonly statistics: Pick<LayerStatistics, 'layers' | 'deviation' | 'square' | 'variance'>;
}

export interface Examiner {
  /** Images [count, channels, height, width] as the model takes them, any count from 1. Throws E_NONFINITE. */
  examine(images: HostTensor): Promise<Examination>;
  /** The distance of each layer's statistics on these images. */
  distances(images: HostTensor): Promise<Float32Array>;
  dispose(): Promise<void>;
}

const CIRCUMSTANCES = {
  when: 'while the teacher looked at the dreams',
  advice: "the teacher's weights or its preprocessing may be wrong",
};

/**
 * input: `images` [batch, channels, height, width]; `shares` [1, batch], what each image counts in the statistics.
 * output: `logits` [batch, classes]; `features` [batch, features]; `deviation` and `square` [1, channels of all layers],
 * means of the deviation from the running mean and of its square, which give the variance without cancellation.
 */
function createExamineStep(network: Network): Step {
  return (state, { images, shares }) => {
    const { logits, values } = network.forward(tf, {}, images);
    const deviations = network.batchNorms.map(({ input, channels, mean }) => {
      const x = values.get(input)!;
      const running = network.parameters.get(mean)!.data;
      return tf.sub(x, tf.tensor(running, [1, channels, ...x.shape.slice(2).map(() => 1)]));
    });
    const total = (xs: tf.Tensor[]) => tf.matMul(shares, tf.concat(xs.map(perChannel), 1));
    const answers = { logits, features: perChannel(values.get(network.output.features)!) };
    if (deviations.length === 0) return { state, output: answers };
    const squares = deviations.map((x) => tf.square(x));
    return { state, output: { ...answers, deviation: total(deviations), square: total(squares) } };
  };
}

/** Mean over positions, [batch, channels]. */
function perChannel(x: tf.Tensor): tf.Tensor {
  const axes = x.shape.map((_, axis) => axis).slice(2);
  return axes.length === 0 ? x : tf.mean(x, axes);
}

export async function createExaminer(engine: Engine, network: Network): Promise<Examiner> {
  const { batch, batchNorms } = network;
  const layers = batchNorms.map(({ name, channels }) => ({ name, channels }));
  const variance = Float32Array.from(
    batchNorms.flatMap((norm) => [...network.parameters.get(norm.variance)!.data]),
  );
  const shape = network.input.shape;
  const blank = zeros(shape);
  const equal = { shape: [1, batch], data: new Float32Array(batch).fill(1 / batch) };
  const step = await engine.compile(createExamineStep(network), {
    state: {},
    input: { images: blank, shares: equal },
  });

  async function examine(images: HostTensor): Promise<Examination> {
    const [count] = images.shape;
    const rows = { logits: [] as Float32Array[], features: [] as Float32Array[] };
    const sums = { deviation: new Float64Array(variance.length), square: new Float64Array(variance.length) };
    let width = 0;
    for (let start = 0; start < count; start += batch) {
      const wanted = Math.min(batch, count - start);
      // The last batch is filled up with the first images, which count nothing the second time.
      const indices = Array.from({ length: batch }, (_, i) => (start + i) % count);
      const shares = Float32Array.from(indices, (_, i) => (i < wanted ? 1 : 0));
      const output = await step.run({
        images: takeImages(images, indices),
        shares: { shape: [1, batch], data: shares },
      });
      await requireFiniteOutput(step, output, CIRCUMSTANCES);
      width = output['features'].shape[1];
      for (const name of ['logits', 'features'] as const) {
        const { data } = output[name];
        rows[name].push(data.slice(0, (data.length / batch) * wanted));
      }
      for (const name of ['deviation', 'square'] as const) {
        sums[name].forEach((_, i) => (sums[name][i] += output[name].data[i]));
      }
    }
    const mean = (values: Float64Array) => Float32Array.from(values, (sum) => sum / count);
    return {
      logits: { shape: [count, network.output.classes], data: concatenate(rows.logits) },
      features: { shape: [count, width], data: concatenate(rows.features) },
      statistics: { layers, deviation: mean(sums.deviation), square: mean(sums.square), variance },
    };
  }

  return {
    examine,
    distances: async (images) => Float32Array.from(layerDistances((await examine(images)).statistics)),
    dispose: () => step.dispose(),
  };
}

function concatenate(parts: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
