import * as tf from '@tensorflow/tfjs-core';
import type { Activations, BatchNorm, Network } from '../network/network.js';

/** Mean over the batch of -log p(target); logits and one-hot targets [batch, classes]. */
export function crossEntropy(logits: tf.Tensor, targets: tf.Tensor): tf.Tensor {
  return tf.neg(tf.mean(tf.sum(tf.mul(targets, tf.logSoftmax(logits)), 1)));
}

/** Mean squared difference of horizontal plus that of vertical neighbours; images [batch, channels, height, width]. */
export function totalVariation(images: tf.Tensor): tf.Tensor {
  const [batch, channels, height, width] = images.shape;
  const down = tf.sub(
    tf.slice(images, [0, 0, 1, 0], [batch, channels, height - 1, width]),
    tf.slice(images, [0, 0, 0, 0], [batch, channels, height - 1, width]),
  );
  const across = tf.sub(
    tf.slice(images, [0, 0, 0, 1], [batch, channels, height, width - 1]),
    tf.slice(images, [0, 0, 0, 0], [batch, channels, height, width - 1]),
  );
  return tf.add(tf.mean(tf.square(down)), tf.mean(tf.square(across)));
}

/**
 * Feature distribution regularisation of DeepInversion (arXiv 1912.08795, eq. 4): over the batch norms, the sum of the
 * distances ||mean - running mean|| + ||variance - running variance|| of the input's statistics to the stored ones.
 */
export function batchNormDistance(network: Network, { values }: Activations): tf.Tensor {
  return tf.addN(network.batchNorms.map((norm) => layerDistance(network, norm, values.get(norm.input)!)));
}

function layerDistance(network: Network, norm: BatchNorm, input: tf.Tensor): tf.Tensor {
  const shape = [1, norm.channels, ...input.shape.slice(2).map(() => 1)];
  const axes = input.shape.map((_, axis) => axis).filter((axis) => axis !== 1);
  const stored = (name: string) => tf.tensor(network.parameters.get(name)!.data, shape);

  // Centred on the stored mean, one pass gives both statistics without cancellation: var = E[d^2] - E[d]^2.
  const deviation = tf.sub(input, stored(norm.mean));
  const meanDifference = tf.mean(deviation, axes, true);
  const variance = tf.sub(tf.mean(tf.square(deviation), axes, true), tf.square(meanDifference));
  return tf.add(length(meanDifference), length(tf.sub(variance, stored(norm.variance))));
}

/** Euclidean length, with a gradient of 0 rather than NaN at the origin. */
function length(x: tf.Tensor): tf.Tensor {
  return tf.sqrt(tf.add(tf.sum(tf.square(x)), 1e-12));
}
