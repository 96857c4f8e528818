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
 * Distance of a batch to the statistics stored in the batch norms, after DeepInversion's feature distribution
 * regularisation (arXiv 1912.08795, eq. 4). The paper adds up norms of differences, in each layer's own units, so that
 * its weight has to be found anew for every network. Here it is, of the Gaussians N(mean, variance + epsilon) of a
 * channel in the batch (m, v) and in the file (M, V),
 *
 *     KL(batch || stored) = 1/2 ((v + (m - M)^2) / V - 1 - ln(v / V)),
 *
 * averaged over the channels of a layer, then over the layers: 0 where all of them match, and about 1 on noise for any
 * depth, width, batch and unit. Gaussians of width epsilon keep channels that never fire at 0.
 * @param firstMultiplier weight of the first layer, relative to the others; the paper's for ImageNet is 10
 */
export function batchNormDistance(network: Network, { values }: Activations, firstMultiplier = 1): tf.Tensor {
  const { batchNorms } = network;
  const stored = (name: string) => network.parameters.get(name)!.data;
  const statistics = batchNorms.map((norm) => statisticsOf(values.get(norm.input)!, stored(norm.mean)));
  // All channels of all layers are one vector: a deep network has hundreds of small ones.
  const constants = <T>(of: (norm: BatchNorm, layer: number) => ArrayLike<T>) =>
    batchNorms.flatMap((norm, layer) => Array.from(of(norm, layer)));
  const epsilon = tf.tensor1d(constants(({ channels, epsilon }) => Array<number>(channels).fill(epsilon)));
  const expected = tf.tensor1d(
    constants(({ epsilon, variance }) => stored(variance).map((value) => value + epsilon)),
  );
  const total = batchNorms.length - 1 + firstMultiplier;
  const weights = constants(({ channels }, layer) =>
    Array<number>(channels).fill((layer === 0 ? firstMultiplier : 1) / (2 * total * channels)),
  );

  const means = tf.concat1d(statistics.map(({ mean }) => mean));
  const meanSquares = tf.concat1d(statistics.map(({ meanSquare }) => meanSquare));
  // Rounding may make a variance of 0 negative.
  const variances = tf.relu(tf.sub(meanSquares, tf.square(means)));
  const spread = tf.div(tf.add(meanSquares, epsilon), expected);
  const shape = tf.log(tf.div(tf.add(variances, epsilon), expected));
  return tf.sum(tf.mul(tf.sub(tf.sub(spread, shape), 1), tf.tensor1d(weights)));
}

/**
 * Per channel [channels], the mean of the deviation from the stored mean and of its square. So centred, one pass gives
 * both without cancellation: v = E[d^2] - E[d]^2 and E[d^2] = v + (m - M)^2.
 */
function statisticsOf(
  input: tf.Tensor,
  storedMean: Float32Array,
): Record<'mean' | 'meanSquare', tf.Tensor1D> {
  const axes = input.shape.map((_, axis) => axis).filter((axis) => axis !== 1);
  const shape = input.shape.map((size, axis) => (axis === 1 ? size : 1));
  const flat = (x: tf.Tensor) => tf.reshape<tf.Rank.R1>(x, [storedMean.length]);
  const deviation = tf.sub(input, tf.tensor(storedMean, shape));
  return {
    mean: flat(tf.mean(deviation, axes, true)),
    meanSquare: flat(tf.mean(tf.square(deviation), axes, true)),
  };
}
