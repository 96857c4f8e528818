import * as tf from '@tensorflow/tfjs-core';

export interface AdamOptions {
  /** Decay of the first and of the second moment. */
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
}

/** Of the gradient of what is optimised, and of its square; of its shape. */
export interface AdamMoments {
  readonly first: tf.Tensor;
  readonly second: tf.Tensor;
}

/**
 * The learning rate of step t = 1, 2, ... with Adam's correction for moments that start at 0 multiplied in: the
 * "more efficient" order of computation that closes section 2 of arXiv 1412.6980.
 */
export function adamLearningRate(learningRate: number, t: number, { beta1, beta2 }: AdamOptions): number {
  return (learningRate * Math.sqrt(1 - beta2 ** t)) / (1 - beta1 ** t);
}

/**
 * One step of Adam (arXiv 1412.6980, algorithm 1): what is to be subtracted from what is optimised. `learningRate` is a
 * scalar made by `adamLearningRate`.
 */
export function adam(
  { first, second }: AdamMoments,
  gradient: tf.Tensor,
  learningRate: tf.Tensor,
  { beta1, beta2, epsilon }: AdamOptions,
): AdamMoments & { readonly move: tf.Tensor } {
  const m = tf.add(tf.mul(first, beta1), tf.mul(gradient, 1 - beta1));
  const v = tf.add(tf.mul(second, beta2), tf.mul(tf.square(gradient), 1 - beta2));
  const move = tf.div(tf.mul(m, learningRate), tf.add(tf.sqrt(v), epsilon));
  return { move, first: m, second: v };
}
