import * as tf from '@tensorflow/tfjs-core';
import { toArrays } from '../classifier.js';
import type { ImageSource } from '../dream/image-source.js';
import type { Engine, Step, Tensors } from '../engine/engine.js';
import { scalar } from '../engine/host-tensor.js';
import type { Network } from '../network/network.js';
import { throwIfInterrupted, type RunControl } from '../progress.js';
import { atStep, requireFiniteOutput } from '../require-finite.js';
import { isStatistic, replaceWeights, type Student } from '../student.js';

const ADVICE = "the student's weights or the images may be out of range";

/**
 * One batch of re-estimation: every batch norm normalises with the statistics of the batch, as the layers above will
 * see them.
 * state: running means and variances by parameter name. input: `images` [batch, channels, height, width]; `share` [],
 * the weight of this batch in the average: 1 / (batches so far, this one included). output: the `statistics`' sum, which
 * is finite only if all of them are.
 */
export function createStatisticsStep(network: Network, student: Student): Step {
  return (state, { images, share }) => {
    const weights: Tensors = Object.fromEntries(
      Object.entries(toArrays(network, student.weights)).map(([name, { data, shape }]) => [
        name,
        tf.tensor(data, [...shape]),
      ]),
    );
    const { statistics } = network.forward(tf, weights, images, { batchNorm: 'batch', momentum: 0 });
    const average = Object.entries(state).map(([name, old]): [string, tf.Tensor] => [
      name,
      tf.add(old, tf.mul(tf.sub(statistics[name], old), share)),
    ]);
    const sum = tf.addN(average.map(([, tensor]) => tf.sum(tensor)));
    return { state: Object.fromEntries(average), output: { statistics: sum } };
  };
}

/**
 * Pruning shifts what each batch norm sees; this puts the mean over `batches` batches of images in place of its
 * stored statistics. No weight changes.
 */
export async function reestimateStatistics(
  engine: Engine,
  network: Network,
  student: Student,
  source: ImageSource,
  batches: number,
  control: RunControl = {},
): Promise<Student> {
  const statistics = new Map(
    [...student.weights].filter(([name]) => isStatistic(network.parameters.get(name)!)),
  );
  const images = await source.next(network.batch);
  const step = await engine.compile(createStatisticsStep(network, student), {
    state: toArrays(network, statistics),
    input: { images, share: scalar(1) },
  });
  try {
    for (let i = 0; i < batches; i++) {
      throwIfInterrupted(control);
      const share = scalar(1 / (i + 1));
      const output = await step.run({ images: i === 0 ? images : await source.next(network.batch), share });
      await requireFiniteOutput(step, output, atStep('statistics batch', i + 1, batches, ADVICE));
      control.onProgress?.({ stage: 'statistics', step: i + 1, steps: batches });
    }
    const measured = Object.entries(await step.readState());
    return replaceWeights(student, new Map(measured.map(([name, { data }]) => [name, data])));
  } finally {
    await step.dispose();
  }
}
