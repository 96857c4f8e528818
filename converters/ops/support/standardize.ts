import type * as tfjs from '@tensorflow/tfjs-core';
import type { Tf } from '../define-op.js';

/** All with the axes kept, of size 1. */
export interface Standardized {
  /** (x - mean) / sqrt(variance + epsilon) */
  readonly y: tfjs.Tensor;
  readonly mean: tfjs.Tensor;
  /** 1 / sqrt(variance + epsilon) */
  readonly inverse: tfjs.Tensor;
}

/** Brings x to mean 0 and (population) variance 1 over the axes. */
export function standardize(tf: Tf, x: tfjs.Tensor, axes: readonly number[], epsilon: number): Standardized {
  const mean = tf.mean(x, [...axes], true);
  const centered = tf.sub(x, mean);
  const variance = tf.mean(tf.square(centered), [...axes], true);
  const inverse = tf.rsqrt(tf.add(variance, tf.scalar(epsilon)));
  return { y: tf.mul(centered, inverse), mean, inverse };
}

/** Axes `first` and up of a tensor of the given rank. */
export function axesFrom(first: number, rank: number): number[] {
  return Array.from({ length: rank - first }, (_, i) => first + i);
}
