import * as tf from '@tensorflow/tfjs-core';

export interface SgdState {
  /** What is optimised, and what it was before the last step; of one shape, and equal to begin with. */
  readonly value: tf.Tensor;
  readonly before: tf.Tensor;
}

/**
 * One step of gradient descent with momentum, as Polyak's heavy ball: w' = w + momentum (w - before) - rate g.
 * With the momentum of `heavyBallMomentum` these are the steps of PyTorch's SGD, v' = momentum v + g; w' = w - rate v',
 * but the velocity is in the weights: one array less to write in every step.
 */
export function sgd(
  { value, before }: SgdState,
  gradient: tf.Tensor,
  learningRate: tf.Tensor,
  momentum: tf.Tensor,
): SgdState {
  const moved = tf.add(value, tf.mul(tf.sub(value, before), momentum));
  return { value: tf.sub(moved, tf.mul(gradient, learningRate)), before: value };
}

/** The last step was by the last step's rate; 0 where that moved nothing. */
export function heavyBallMomentum(momentum: number, learningRate: number, lastRate: number): number {
  return lastRate > 0 ? (momentum * learningRate) / lastRate : 0;
}
