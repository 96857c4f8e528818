import * as tf from '@tensorflow/tfjs-core';

export interface LarsOptions {
  readonly momentum: number;
  /** What a layer's weights move by at a rate of 1, relative to their norm. */
  readonly trust: number;
}

export interface LarsState {
  /** What is optimised, and the sum of its gradients so far, each at less weight than the next; of one shape. */
  readonly value: tf.Tensor;
  readonly velocity: tf.Tensor;
}

/** In place of a norm of 0. */
const LEAST_NORM = 1e-12;

/**
 * One step of gradient descent with Nesterov's momentum in PyTorch's form, v' = momentum v + g; d = g + momentum v';
 * w' = w - rate d, where weights of layers (two dimensions and more) move by a share of their own norm, as in arXiv
 * 1904.00962 (algorithm 1): w' = w - rate trust |w| d / |d|. Behind them comes a batch norm, so what matters of a gradient
 * is its direction: its length says how far the student is from its teacher, and falls as it learns.
 */
export function lars(
  { value, velocity }: LarsState,
  gradient: tf.Tensor,
  learningRate: tf.Tensor,
  { momentum, trust }: LarsOptions,
): LarsState {
  const next = tf.add(tf.mul(velocity, momentum), gradient);
  const direction = tf.add(gradient, tf.mul(next, momentum));
  const rate = value.rank < 2 ? learningRate : tf.mul(tf.mul(learningRate, trust), ratio(value, direction));
  return { value: tf.sub(value, tf.mul(direction, rate)), velocity: next };
}

/** Of the norms of two tensors, a scalar. */
function ratio(a: tf.Tensor, b: tf.Tensor): tf.Tensor {
  return tf.div(norm(a), tf.maximum(norm(b), LEAST_NORM));
}

const norm = (x: tf.Tensor): tf.Tensor => tf.sqrt(tf.sum(tf.square(x)));
