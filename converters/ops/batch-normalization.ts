import type * as tfjs from '@tensorflow/tfjs-core';
import { perChannel } from '../layout.js';
import { defineOp, flag, float, int, type Tf } from './define-op.js';
import { shapeError, show, unsupported } from './support/shapes.js';

/**
 * Inputs: x [N, C, ...], then scale, offset, running mean and running variance, each [C].
 *
 * With `training_mode` 1 (an attribute since opset 14; the network sets it on any) the statistics are those of the
 * batch, and the outputs [y, running mean, running variance] with running = running * momentum + batch * (1 - momentum)
 * and the variance that of the population.
 */
export const BatchNormalization = defineOp('BatchNormalization', {
  since: [6, 7, 9, 14, 15],
  inputs: [5, 5],
  outputs: [1, 5],
  attributes: {
    epsilon: float(1e-5),
    momentum: float(0.9),
    spatial: int(1, { before: 9 }),
    is_test: flag(0, { before: 7 }),
    training_mode: flag(0, { since: 14 }),
  },
  shape([x, ...perChannelShapes], { spatial }) {
    // Without the limit to opsets before 9 there is no other value.
    if (spatial === 0) throw unsupported('spatial 0 (statistics for every pixel) is not supported.');
    if (x.length < 2) throw shapeError(`input ${show(x)} has no channels.`);
    const channels = show([x[1]]);
    const wrong = perChannelShapes.find((shape) => show(shape) !== channels);
    if (wrong)
      throw shapeError(`its scale, offset, mean and variance must be ${channels}, one is ${show(wrong)}.`);
    return [x, ...perChannelShapes];
  },
  forward(tf, [x, scale, offset, mean, variance], { epsilon, momentum, training_mode: training }) {
    if (training === 1) {
      const batch = batchStatistics(tf, x);
      const blend = (old: tfjs.Tensor, now: tfjs.Tensor) =>
        tf.add(tf.mul(old, tf.scalar(momentum)), tf.mul(tf.reshape(now, [-1]), tf.scalar(1 - momentum)));
      return [
        normalizeByBatch(tf, batch, scale, offset, epsilon),
        blend(mean, batch.mean),
        blend(variance, batch.variance),
      ];
    }
    // y = s x + b with s, b per channel: an engine can fold it into the convolution before.
    const s = tf.mul(scale, tf.rsqrt(tf.add(variance, tf.scalar(epsilon))));
    const b = tf.sub(offset, tf.mul(mean, s));
    return [tf.add(tf.mul(x, perChannel(tf, s, x.rank)), perChannel(tf, b, x.rank))];
  },
});

interface BatchStatistics {
  readonly x: tfjs.Tensor;
  /** x - mean */
  readonly centered: tfjs.Tensor;
  /** [1, C, 1, ...] */
  readonly mean: tfjs.Tensor;
  readonly variance: tfjs.Tensor;
}

/** Every axis but the channels. */
function reducedAxes(x: tfjs.Tensor): number[] {
  return x.shape.map((_, axis) => axis).filter((axis) => axis !== 1);
}

function batchStatistics(tf: Tf, x: tfjs.Tensor): BatchStatistics {
  const axes = reducedAxes(x);
  const mean = tf.mean(x, axes, true);
  const centered = tf.sub(x, mean);
  return { x, centered, mean, variance: tf.mean(tf.square(centered), axes, true) };
}

/**
 * y = scale (x - mean) / sqrt(variance + epsilon) + offset with the backward pass in closed form (Ioffe & Szegedy,
 * arXiv 1502.03167, section 3, simplified): it passes over memory half as often as the chain rule through mean and
 * variance. With s = scale / sqrt(variance + epsilon), m the mean over a channel:
 *
 *     dx = s (dy - m(dy) - (x - mean) m(dy (x - mean)) / (variance + epsilon))
 */
function normalizeByBatch(
  tf: Tf,
  { x, centered, variance }: BatchStatistics,
  scale: tfjs.Tensor,
  offset: tfjs.Tensor,
  epsilon: number,
): tfjs.Tensor {
  const axes = reducedAxes(x);
  const inverse = tf.rsqrt(tf.add(variance, tf.scalar(epsilon)));
  const normalize = tf.customGrad((...args) => {
    const [, gain, shift] = args as tfjs.Tensor[];
    const save = args[3] as tfjs.GradSaveFunc;
    const s = tf.mul(perChannel(tf, gain, x.rank), inverse);
    save([centered, inverse, s]);
    const value = tf.add(tf.mul(centered, s), perChannel(tf, shift, x.rank));
    const gradFunc = (dy: tfjs.Tensor, saved: tfjs.Tensor[]) => {
      const [deviation, inverseDeviation, factor] = saved;
      const meanDy = tf.mean(dy, axes, true);
      const meanProduct = tf.mean(tf.mul(dy, deviation), axes, true);
      const size = tf.scalar(x.size / gain.size);
      const slope = tf.mul(factor, tf.mul(tf.square(inverseDeviation), meanProduct));
      return [
        tf.sub(tf.mul(dy, factor), tf.add(tf.mul(deviation, slope), tf.mul(factor, meanDy))),
        tf.reshape(tf.mul(tf.mul(meanProduct, inverseDeviation), size), gain.shape),
        tf.reshape(tf.mul(meanDy, size), shift.shape),
      ];
    };
    return { value, gradFunc };
  });
  return normalize(x, scale, offset);
}
