import type * as tfjs from '@tensorflow/tfjs-core';
import { defineOp, float, requiredInt } from './define-op.js';
import { attributeError, shapeError, show } from './support/shapes.js';

/** x / (bias + alpha / size * sum of x^2 over `size` neighbouring channels)^beta. */
export const LRN = defineOp('LRN', {
  since: [1, 13],
  inputs: [1, 1],
  outputs: [1, 1],
  attributes: { alpha: float(1e-4), beta: float(0.75), bias: float(1), size: requiredInt() },
  shape([x], { size }) {
    if (x.length < 3) throw shapeError(`input ${show(x)} has no spatial axes.`);
    if (size < 1) throw attributeError(`size ${size} must be at least 1.`);
    return [x];
  },
  forward(tf, [x], { alpha, beta, bias, size }) {
    const before = Math.floor((size - 1) / 2);
    const pads = x.shape.map((_, axis): [number, number] =>
      axis === 1 ? [before, size - 1 - before] : [0, 0],
    );
    const squares = tf.pad(tf.square(x), pads);
    const neighbours: tfjs.Tensor[] = Array.from({ length: size }, (_, i) =>
      tf.slice(
        squares,
        x.shape.map((__, axis) => (axis === 1 ? i : 0)),
        x.shape,
      ),
    );
    const sum = neighbours.reduce((a, b) => tf.add(a, b));
    const base = tf.add(tf.mul(sum, tf.scalar(alpha / size)), tf.scalar(bias));
    return [tf.mul(x, tf.pow(base, tf.scalar(-beta)))];
  },
});
