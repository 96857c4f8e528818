import * as tf from '@tensorflow/tfjs-core';

export interface SgdState {
  /** What is optimised, and its velocity; of one shape. */
  readonly value: tf.Tensor;
  readonly velocity: tf.Tensor;
}

/** One step of gradient descent with momentum, as PyTorch's SGD: v' = momentum v + g; w' = w - rate v'. */
export function sgd(
  { value, velocity }: SgdState,
  gradient: tf.Tensor,
  learningRate: tf.Tensor,
  momentum: number,
): SgdState {
  const next = tf.add(tf.mul(velocity, momentum), gradient);
  return { value: tf.sub(value, tf.mul(next, learningRate)), velocity: next };
}
