import type * as tfjs from '@tensorflow/tfjs-core';
import type { Tf } from './ops/define-op.js';

/**
 * tfjs convolves and pools channels-last only, while network tensors are NCHW, filters OIHW. Every such operator
 * converts here, so that an engine recognises the transposes and cancels them.
 */

/** NCHW to NHWC. */
export function toChannelsLast(tf: Tf, x: tfjs.Tensor): tfjs.Tensor4D {
  return tf.transpose(x as tfjs.Tensor4D, [0, 2, 3, 1]);
}

/** NHWC to NCHW. */
export function toChannelsFirst(tf: Tf, x: tfjs.Tensor4D): tfjs.Tensor4D {
  return tf.transpose(x, [0, 3, 1, 2]);
}

/** Filter OIHW to HWIO. */
export function toFilter(tf: Tf, weight: tfjs.Tensor): tfjs.Tensor4D {
  return tf.transpose(weight as tfjs.Tensor4D, [2, 3, 1, 0]);
}

/** Depthwise filter [channels * multiplier, 1, H, W] to [H, W, channels, multiplier]. */
export function toDepthwiseFilter(tf: Tf, weight: tfjs.Tensor, channels: number): tfjs.Tensor4D {
  const [outputs, , height, width] = weight.shape;
  const grouped: tfjs.Tensor4D = tf.reshape(weight, [channels, outputs / channels, height, width]);
  return tf.transpose(grouped, [2, 3, 0, 1]);
}

/** A vector of one value per channel, shaped to broadcast with a tensor [N, C, ...] of the given rank. */
export function perChannel(tf: Tf, vector: tfjs.Tensor, rank: number): tfjs.Tensor {
  return tf.reshape(vector, [1, -1, ...new Array<number>(rank - 2).fill(1)]);
}
