import type * as tfjs from '@tensorflow/tfjs-core';
import type { Tf } from '../define-op.js';
import { sizeOf } from './shapes.js';

/**
 * Along an axis y = A x for a constant matrix A.
 * @param rows of A, each as long as the axis
 */
export function mapAxis(
  tf: Tf,
  x: tfjs.Tensor,
  axis: number,
  rows: readonly (readonly number[])[],
): tfjs.Tensor {
  const { shape } = x;
  const matrix = tf.tensor2d(Float32Array.from(rows.flat()), [rows.length, shape[axis]]);
  const columns = tf.reshape(x, [sizeOf(shape.slice(0, axis)), shape[axis], sizeOf(shape.slice(axis + 1))]);
  return tf.reshape(
    tf.matMul(matrix, columns),
    shape.map((dim, i) => (i === axis ? rows.length : dim)),
  );
}
