import * as tf from '@tensorflow/tfjs-core';
import type { Activations, Network } from '../../network/network.js';

/**
 * How far two images of one class are from being as different as images of the training data are. Where a pixel's place
 * tells nothing of its value, half the mean squared difference W of a channel between two independent images is its
 * variance, the stored V; images that all show the same have W = 0, although each may have the stored statistics. Like the
 * distance of batch norms (`batchNormDistance`),
 *
 *     1/2 (W / V - 1 - ln(W / V)),
 *
 * averaged over the channels of a layer, then over the layers. Without it a generator draws one picture for each class:
 * what a ResNet-20 learnt from it was worse by 0.07 nats on images of DeepInversion (docs/RESULTS.md).
 * @param pairs image i and image i + batch - pairs are a pair, for 0 <= i < pairs
 */
export function pairDistance(network: Network, { values }: Activations, pairs: number): tf.Tensor {
  const { batchNorms } = network;
  const stored = (name: string) => network.parameters.get(name)!.data;
  const ratios = batchNorms.map(({ input, variance, epsilon }) => {
    const expected = stored(variance).map((value) => value + epsilon);
    const halved = tf.mul(meanSquaredDifference(values.get(input)!, pairs), 0.5);
    return tf.div<tf.Tensor1D>(tf.add(halved, epsilon), tf.tensor1d(expected));
  });
  const weights = batchNorms.flatMap(({ channels }) =>
    Array<number>(channels).fill(1 / (2 * channels * batchNorms.length)),
  );
  const ratio = tf.concat1d(ratios);
  return tf.sum(tf.mul(tf.sub(tf.sub(ratio, tf.log(ratio)), 1), tf.tensor1d(weights)));
}

/** Per channel [channels], between the first `pairs` images and the last. */
function meanSquaredDifference(x: tf.Tensor, pairs: number): tf.Tensor1D {
  const [batch, channels, ...pixels] = x.shape;
  const part = (from: number) =>
    tf.slice(x, [from, ...Array<number>(x.rank - 1).fill(0)], [pairs, channels, ...pixels]);
  const axes = x.shape.map((_, axis) => axis).filter((axis) => axis !== 1);
  // The gradient of two slices would be the sum of two tensors of the whole batch, half of each zeros.
  const mean = tf.customGrad((...args) => {
    const save = args[1] as (tensors: tf.Tensor[]) => void;
    const difference = tf.sub(part(0), part(batch - pairs));
    save([difference]);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]) => {
      const count = pairs * pixels.reduce((product, size) => product * size, 1);
      const gradient = tf.mul(saved[0], tf.mul(dy, 2 / count));
      const between = tf.zeros([batch - 2 * pairs, channels, ...pixels]);
      return tf.concat([gradient, between, tf.neg(gradient)].filter(({ shape: [size] }) => size > 0));
    };
    return { value: tf.mean(tf.square(difference), axes, true), gradFunc };
  });
  return tf.reshape(mean(x), [channels]);
}
