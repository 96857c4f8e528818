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
  const layers = network.batchNorms.map((norm, i) => ({
    ...statisticsOf(network, norm, values.get(norm.input)!),
    unit: i === 0 ? unit : 1,
  }));
  // Layers of equal width are the rows of one matrix: a deep network has hundreds of small vectors, few widths.
  const widths = [...new Set(network.batchNorms.map(({ channels }) => channels))];
  return tf.addN(
    widths.map((width) => groupDistance(layers.filter((_, i) => network.batchNorms[i].channels === width))),
  );
}

/** Statistics of a batch norm's input, each [1, channels], next to what is stored. */
interface LayerStatistics {
  /** Mean of the deviation from the stored mean, and of its square. */
  readonly mean: tf.Tensor;
  readonly meanSquare: tf.Tensor;
  /** Stored, [channels]. */
  readonly variance: Float32Array;
}

function statisticsOf(network: Network, norm: BatchNorm, input: tf.Tensor): LayerStatistics {
  const shape = [1, norm.channels, ...input.shape.slice(2).map(() => 1)];
  const axes = input.shape.map((_, axis) => axis).filter((axis) => axis !== 1);
  const stored = (name: string) => network.parameters.get(name)!.data;
  const row = (x: tf.Tensor) => tf.reshape(x, [1, norm.channels]);

  // Centred on the stored mean, one pass gives both statistics without cancellation: var = E[d^2] - E[d]^2.
  const deviation = tf.sub(input, tf.tensor(stored(norm.mean), shape));
  return {
    mean: row(tf.mean(deviation, axes, true)),
    meanSquare: row(tf.mean(tf.square(deviation), axes, true)),
    variance: stored(norm.variance),
  };
}

/** The sum of both distances over layers of equal width. */
function groupDistance(layers: readonly (LayerStatistics & { readonly unit: number })[]): tf.Tensor {
  const means = tf.concat(layers.map(({ mean }) => mean));
  const meanSquares = tf.concat(layers.map(({ meanSquare }) => meanSquare));
  const stored = tf.tensor(
    layers.flatMap(({ variance }) => [...variance]),
    means.shape,
  );
  const variances = tf.sub(meanSquares, tf.square(means));
  const perUnit = (power: number) => tf.tensor1d(layers.map(({ unit }) => unit ** -power));
  return tf.add(
    tf.sum(tf.mul(lengths(means), perUnit(1))),
    tf.sum(tf.mul(lengths(tf.sub(variances, stored)), perUnit(2))),
  );
}

/** Euclidean length of each row, with a gradient of 0 rather than NaN at the origin. */
function lengths(rows: tf.Tensor): tf.Tensor {
  return tf.sqrt(tf.add(tf.sum(tf.square(rows), 1), 1e-12));
}
