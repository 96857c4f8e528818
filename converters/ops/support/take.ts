import type * as tfjs from '@tensorflow/tfjs-core';
import type { Tf } from '../define-op.js';
import { sizeOf } from './shapes.js';

/** `length` elements of one axis: start, start + step, ... */
export interface Cut {
  readonly start: number;
  readonly step: number;
  readonly length: number;
}

/**
 * The elements that the cuts name, one cut per axis. First the range each cut spans, in whole steps where the axis is
 * long enough, then every step-th element of it.
 */
export function take(tf: Tf, x: tfjs.Tensor, cuts: readonly Cut[]): tfjs.Tensor {
  const spans = cuts.map(({ start, step, length }, axis) => {
    if (length === 0) return 0;
    return step > 0 ? Math.min(length * step, x.shape[axis] - start) : (length - 1) * -step + 1;
  });
  const starts = cuts.map(({ start, step, length }) => (step > 0 ? start : start + (length - 1) * step));
  const whole = spans.every((span, axis) => span === x.shape[axis]);
  const spanned = whole ? x : tf.slice(x, starts, spans);
  const backward = cuts.flatMap(({ step }, axis) => (step < 0 ? [axis] : []));
  const ahead = backward.length > 0 ? tf.reverse(spanned, backward) : spanned;
  return cuts.reduce((y, { step, length }, axis) => everyNth(tf, y, axis, Math.abs(step), length), ahead);
}

/** The elements that one cut names along `axis`, all of the other axes. */
export function takeAlong(tf: Tf, x: tfjs.Tensor, axis: number, cut: Cut): tfjs.Tensor {
  return take(
    tf,
    x,
    x.shape.map((length, i) => (i === axis ? cut : { start: 0, step: 1, length })),
  );
}

/**
 * Elements 0, n, 2n, ... of an axis. tfjs' stridedSlice has no gradient; filling the axis up to a multiple of n,
 * splitting it in two and keeping the first of each n does the same with operations that have one.
 */
function everyNth(tf: Tf, x: tfjs.Tensor, axis: number, n: number, length: number): tfjs.Tensor {
  if (x.shape[axis] === length) return x;
  const missing = length * n - x.shape[axis];
  const filled =
    missing > 0
      ? tf.pad(
          x,
          x.shape.map((_, i) => [0, i === axis ? missing : 0]),
        )
      : x;
  const outer = sizeOf(x.shape.slice(0, axis));
  const inner = sizeOf(x.shape.slice(axis + 1));
  const rows = tf.reshape(filled, [outer, length, n, inner]);
  const kept = tf.slice(rows, [0, 0, 0, 0], [outer, length, 1, inner]);
  return tf.reshape(
    kept,
    x.shape.map((dim, i) => (i === axis ? length : dim)),
  );
}
