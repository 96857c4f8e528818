import * as tf from '@tensorflow/tfjs-core';
import { toArrays } from '../classifier.js';
import type { ImageSource } from '../dream/image-source.js';
import type { Engine, Tensors } from '../engine/engine.js';
import type { Network } from '../network/network.js';
import type { RunControl } from '../progress.js';
import { replaceWeights, type Student } from '../student.js';
import { averageOverBatches } from './average-batches.js';

/**
 * Gives every channel behind a batch norm the mean and the variance it has in the teacher, on the same images: what
 * pruning took from a layer's scale and offset is put back, layer by layer (as arXiv 2605.21426 before re-estimation).
 * Of each batch norm the running statistics become those of the student's input to it, scale and offset the deviation
 * and the mean of the teacher's output. No weight changes. Re-estimation alone would give each channel the statistics
 * of the teacher's training images instead, which is only right if the images of `source` have them.
 *
 * A network without batch norm is first given one that computes nothing (`insertBatchNorms`); folded back into weight
 * rows and bias, it corrects those. What has no batch norm of either kind keeps its parameters.
 * @param batches of `network.batch` images each
 * @throws DfkdError E_NONFINITE
 */
export async function matchChannelStatistics(
  engine: Engine,
  network: Network,
  student: Student,
  source: ImageSource,
  batches: number,
  control: RunControl = {},
): Promise<Student> {
  if (network.batchNorms.length === 0) return student;
  const measured = await averageOverBatches(
    engine,
    (images) => matchOneBatch(network, student, images),
    { source, batch: network.batch, batches, stage: 'statistics' },
    control,
  );
  return replaceWeights(student, measured);
}

/**
 * Batch norm in training mode hands on exactly the mean and the deviation that its offset and scale say. Said to be
 * the teacher's, every layer is measured behind layers that are matched already, in one pass.
 * @returns the four parameters of every batch norm, [channels] each, by parameter name
 */
function matchOneBatch(network: Network, student: Student, images: tf.Tensor): Tensors {
  const weights: Tensors = Object.fromEntries(
    Object.entries(toArrays(network, student.weights)).map(([name, { data, shape }]) => [
      name,
      tf.tensor(data, [...shape]),
    ]),
  );
  const teacher = network.forward(tf, {}, images);
  const matched = network.batchNorms.flatMap(({ output, scale, offset }): [string, tf.Tensor][] => {
    const { mean, variance } = channelMoments(teacher.values.get(output)!);
    return [
      [scale, tf.mul(tf.sign(weights[scale]), tf.sqrt(variance))],
      [offset, mean],
    ];
  });
  const given = { ...weights, ...Object.fromEntries(matched) };
  const { statistics } = network.forward(tf, given, images, { batchNorm: 'batch', momentum: 0 });
  return { ...Object.fromEntries(matched), ...statistics };
}

/** Mean and population variance of each channel, [channels], of a value [batch, channels, ...]. */
export function channelMoments(value: tf.Tensor): { mean: tf.Tensor; variance: tf.Tensor } {
  const axes = value.shape.map((_, axis) => axis).filter((axis) => axis !== 1);
  const mean = tf.mean(value, axes, true);
  const variance = tf.mean(tf.square(tf.sub(value, mean)), axes);
  return { mean: tf.reshape(mean, [-1]), variance };
}
