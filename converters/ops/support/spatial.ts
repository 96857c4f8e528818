import type * as tfjs from '@tensorflow/tfjs-core';
import type { Tf } from '../define-op.js';
import { sizeOf } from './shapes.js';

/** Reductions of convolutions over one or three spatial axes to the images that tfjs convolves. */

/** [N, C, D, ...] as D times as many images: [N D, C, ...]. */
export function unstackAxis(tf: Tf, x: tfjs.Tensor): tfjs.Tensor {
  const [batch, channels, depth, ...rest] = x.shape;
  const order = x.shape.map((_, axis) => (axis === 1 ? 2 : axis === 2 ? 1 : axis));
  return tf.reshape(tf.transpose(x, order), [batch * depth, channels, ...rest]);
}

/** The inverse of unstackAxis for `depth` images of each of the batch. */
export function stackAxis(tf: Tf, x: tfjs.Tensor, depth: number): tfjs.Tensor {
  const [images, channels, ...rest] = x.shape;
  const apart = tf.reshape(x, [images / depth, depth, channels, ...rest]);
  const order = apart.shape.map((_, axis) => (axis === 1 ? 2 : axis === 2 ? 1 : axis));
  return tf.transpose(apart, order);
}

/** [a, b, L] as an image one pixel high, and back. */
export function raiseAxis(tf: Tf, x: tfjs.Tensor): tfjs.Tensor {
  const [outer, inner, length] = x.shape;
  return tf.reshape(x, [outer, inner, 1, length]);
}
export function lowerAxis(tf: Tf, x: tfjs.Tensor): tfjs.Tensor {
  const [outer, inner, , length] = x.shape;
  return tf.reshape(x, [outer, inner, length]);
}

/** What a filter [a, b, K, ...] has at one tap of its first spatial axis: [a, b, ...]. */
export function filterAt(tf: Tf, weight: tfjs.Tensor, tap: number): tfjs.Tensor {
  const [outer, inner, , ...rest] = weight.shape;
  const begin = weight.shape.map((_, axis) => (axis === 2 ? tap : 0));
  return tf.reshape(tf.slice(weight, begin, [outer, inner, 1, ...rest]), [outer, inner, ...rest]);
}

/** Moves the elements of an axis `stride` apart, with zeros between: from n to (n - 1) stride + 1. */
export function spread(tf: Tf, x: tfjs.Tensor, axis: number, stride: number): tfjs.Tensor {
  if (stride === 1) return x;
  const { shape } = x;
  const outer = sizeOf(shape.slice(0, axis));
  const inner = sizeOf(shape.slice(axis + 1));
  const apart = tf.pad(tf.reshape(x, [outer, shape[axis], 1, inner]), [
    [0, 0],
    [0, 0],
    [0, stride - 1],
    [0, 0],
  ]);
  const rows = tf.reshape(apart, [outer, shape[axis] * stride, inner]);
  const span = (shape[axis] - 1) * stride + 1;
  const kept = tf.slice(rows, [0, 0, 0], [outer, span, inner]);
  return tf.reshape(
    kept,
    shape.map((dim, i) => (i === axis ? span : dim)),
  );
}

/** Spreads the taps of a filter [H, W, ., .] with zeros between: tfjs has no gradient for dilated convolutions. */
export function dilate(tf: Tf, filter: tfjs.Tensor4D, [high, wide]: readonly number[]): tfjs.Tensor4D {
  return spread(tf, spread(tf, filter, 0, high), 1, wide) as tfjs.Tensor4D;
}
