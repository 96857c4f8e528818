import * as tf from '@tensorflow/tfjs-core';
import type { Activations, BatchNorm, Network } from '../network/network.js';

/** Mean over the batch of -log p(target); logits and one-hot targets [batch, classes]. */
export function crossEntropy(logits: tf.Tensor, targets: tf.Tensor): tf.Tensor {
  return tf.neg(tf.mean(tf.sum(tf.mul(targets, tf.logSoftmax(logits)), 1)));
}

/** Mean squared difference of horizontal plus that of vertical neighbours; images [batch, channels, height, width]. */
export function totalVariation(images: tf.Tensor): tf.Tensor {
  const [, , height, width] = images.shape;
  const down = tf.matMul(differences(height), images);
  const across = tf.matMul(images, differences(width), false, true);
  return tf.add(tf.mean(tf.square(down)), tf.mean(tf.square(across)));
}

/** [size - 1, size]: takes each element from the next. As a product its gradient is one too, without slices and pads. */
function differences(size: number): tf.Tensor2D {
  const matrix = new Float32Array((size - 1) * size);
  for (let row = 0; row < size - 1; row++) {
    matrix[row * size + row] = -1;
    matrix[row * size + row + 1] = 1;
  }
  return tf.tensor2d(matrix, [size - 1, size]);
}

/**
 * Feature distribution regularisation of DeepInversion (arXiv 1912.08795, eq. 4): over the batch norms, the sum of the
 * distances ||mean - running mean|| + ||variance - running variance|| of the input's statistics to the stored ones.
 * What the first one sees is in units of the model's input, whatever a pixel counts there; `unit` is the model's input
 * per unit of normalised pixel space, and brings it to the measure of the others.
 */
export function batchNormDistance(network: Network, { values }: Activations, unit = 1): tf.Tensor {
  return tf.addN(
    network.batchNorms.map((norm, i) =>
      layerDistance(network, norm, values.get(norm.input)!, i === 0 ? unit : 1),
    ),
  );
}

function layerDistance(network: Network, norm: BatchNorm, input: tf.Tensor, unit: number): tf.Tensor {
  const shape = [1, norm.channels, ...input.shape.slice(2).map(() => 1)];
  const axes = input.shape.map((_, axis) => axis).filter((axis) => axis !== 1);
  const stored = (name: string) => tf.tensor(network.parameters.get(name)!.data, shape);

  // Centred on the stored mean, one pass gives both statistics without cancellation: var = E[d^2] - E[d]^2.
  const deviation = tf.sub(input, stored(norm.mean));
  const meanDifference = tf.mean(deviation, axes, true);
  const variance = tf.sub(tf.mean(tf.square(deviation), axes, true), tf.square(meanDifference));
  return tf.add(
    tf.div(length(meanDifference), unit),
    tf.div(length(tf.sub(variance, stored(norm.variance))), unit ** 2),
  );
}

/** Euclidean length, with a gradient of 0 rather than NaN at the origin. */
function length(x: tf.Tensor): tf.Tensor {
  return tf.sqrt(tf.add(tf.sum(tf.square(x)), 1e-12));
}
