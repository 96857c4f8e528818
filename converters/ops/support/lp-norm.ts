import type * as tfjs from '@tensorflow/tfjs-core';
import type { Tf } from '../define-op.js';

/** (sum of |x|^p)^(1 / p) over axes, which stay with size 1. */
export function lpNorm(tf: Tf, x: tfjs.Tensor, axes: number[], p: number): tfjs.Tensor {
  return rootOf(tf, tf.sum(powerOfSize(tf, x, p), axes, true), p);
}

/** |x|^p */
export function powerOfSize(tf: Tf, x: tfjs.Tensor, p: number): tfjs.Tensor {
  if (p === 1) return tf.abs(x);
  return p === 2 ? tf.square(x) : tf.pow(tf.abs(x), tf.scalar(p));
}

/** x^(1 / p) */
export function rootOf(tf: Tf, x: tfjs.Tensor, p: number): tfjs.Tensor {
  if (p === 1) return x;
  return p === 2 ? tf.sqrt(x) : tf.pow(x, tf.scalar(1 / p));
}
