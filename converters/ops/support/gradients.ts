import type * as tfjs from '@tensorflow/tfjs-core';
import type { Shape, Tf } from '../define-op.js';
import { broadcastShapes } from './shapes.js';

/**
 * Forward computations whose gradient in tfjs is missing, wrong or slow, in a form that has a good one.
 */

/**
 * Broadcasts to `shape`. As a product with ones, whose gradient is one sum: that of tfjs' broadcastTo takes a slice for
 * every repetition, and stops at rank 4.
 */
export function expand(tf: Tf, x: tfjs.Tensor, shape: Shape): tfjs.Tensor {
  if (x.dtype !== 'float32') return tf.broadcastTo(x, [...shape]);
  const same = x.rank === shape.length && x.shape.every((dim, axis) => dim === shape[axis]);
  return same ? x : tf.mul(x, tf.fill([...shape], 1));
}

/** All in their common shape: the gradients of tfjs' maximum and minimum do not sum over broadcast axes. */
export function expandAll(tf: Tf, ...inputs: readonly tfjs.Tensor[]): tfjs.Tensor[] {
  const shape = broadcastShapes(...inputs.map((input) => input.shape));
  return inputs.map((input) => expand(tf, input, shape));
}

/**
 * A function that is constant wherever it does not jump (comparisons, casts to integers), so that its gradient is 0.
 * tfjs has none for most of these, and lets that of a cast through.
 */
export function piecewiseConstant(
  tf: Tf,
  compute: (...inputs: tfjs.Tensor[]) => tfjs.Tensor,
  ...inputs: readonly tfjs.Tensor[]
): tfjs.Tensor {
  const withZeros = tf.customGrad((...args) => {
    const xs = args.slice(0, -1) as tfjs.Tensor[];
    return { value: compute(...xs), gradFunc: () => xs.map(({ shape }) => tf.zeros(shape)) };
  });
  return withZeros(...inputs);
}

/**
 * max or min over axes, which stay with size 1. Tied elements share the gradient evenly, as in PyTorch's amax; tfjs
 * gives the whole of it to each.
 */
export function extremum(
  tf: Tf,
  kind: 'max' | 'min',
  input: tfjs.Tensor,
  axes: readonly number[],
): tfjs.Tensor {
  const withShares = tf.customGrad((...args) => {
    const [x, save] = args as [tfjs.Tensor, tfjs.GradSaveFunc];
    const value = tf[kind](x, [...axes], true);
    save([x, value]);
    const gradFunc = (dy: tfjs.Tensor, saved: tfjs.Tensor[]) => {
      const tied = tf.cast(tf.equal(saved[0], saved[1]), 'float32');
      return tf.mul(tied, tf.div(dy, tf.sum(tied, [...axes], true)));
    };
    return { value, gradFunc };
  });
  return withShares(input);
}

/**
 * The product along an axis, which stays with size 1. In halves multiplied with each other, over and over: unlike a
 * quotient by each factor, the gradient of that exists at 0.
 */
export function product(tf: Tf, x: tfjs.Tensor, axis: number): tfjs.Tensor {
  const size = x.shape[axis];
  if (size <= 1) return x;
  const half = Math.ceil(size / 2);
  const along = <T>(value: T, others: (dim: number) => T) =>
    x.shape.map((dim, i) => (i === axis ? value : others(dim)));
  const missing = along<[number, number]>([0, 2 * half - size], () => [0, 0]);
  const even = size % 2 === 0 ? x : tf.pad(x, missing, 1);
  const part = (start: number) =>
    tf.slice(
      even,
      along(start, () => 0),
      along(half, (dim) => dim),
    );
  return product(tf, tf.mul(part(0), part(half)), axis);
}

/**
 * Entries along an axis. The gradient is a product with the 0/1 matrix that selects them: the segment sum of tfjs' own
 * has no counterpart in ONNX.
 */
export function gather(tf: Tf, input: tfjs.Tensor, entries: readonly number[], axis: number): tfjs.Tensor {
  const { shape } = input;
  const outer = shape.slice(0, axis).reduce((size, dim) => size * dim, 1);
  const inner = shape.slice(axis + 1).reduce((size, dim) => size * dim, 1);
  const withProduct = tf.customGrad((...args) => {
    const [x] = args as [tfjs.Tensor];
    const gradFunc = (dy: tfjs.Tensor) => {
      const selection = new Float32Array(shape[axis] * entries.length);
      entries.forEach((entry, i) => (selection[entry * entries.length + i] = 1));
      const matrix = tf.tensor2d(selection, [shape[axis], entries.length]);
      return tf.reshape(tf.matMul(matrix, tf.reshape(dy, [outer, entries.length, inner])), shape);
    };
    return { value: tf.gather(x, tf.tensor1d([...entries], 'int32'), axis), gradFunc };
  });
  return withProduct(input);
}
