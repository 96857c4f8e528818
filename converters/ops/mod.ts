import type * as tfjs from '@tensorflow/tfjs-core';
import { defineOp, flag } from './define-op.js';
import { isFloating } from './support/constants.js';
import { foldElements } from './support/elementwise.js';
import { expandAll, piecewiseConstant } from './support/gradients.js';
import { attributeError, broadcastShapes, shapeError } from './support/shapes.js';

/** `fmod` 1: the result has the sign of the dividend, as in C; else of the divisor, as in Python. */
export const Mod = defineOp('Mod', {
  since: [10, 13],
  inputs: [2, 2],
  outputs: [1, 1],
  attributes: { fmod: flag(0) },
  shape(inputs, { fmod }, { types }) {
    if (fmod === 0 && types[0] !== undefined && isFloating(types[0])) {
      throw attributeError('fmod 0 is for integers; floats need fmod 1.');
    }
    return [broadcastShapes(...inputs)];
  },
  fold: ([a, b], { fmod }) =>
    foldElements([a, b], {
      integer(x, y) {
        if (y === 0n) throw shapeError('an integer is divided by zero.');
        const remainder = x % y;
        return fmod === 0 && remainder !== 0n && remainder < 0n !== y < 0n ? remainder + y : remainder;
      },
      ...(fmod === 1 && { float: (x: number, y: number) => x % y }),
    }),
  forward(tf, [a, b]) {
    const [x, y] = expandAll(tf, a, b);
    const truncate = (value: tfjs.Tensor) => tf.mul(tf.sign(value), tf.floor(tf.abs(value)));
    return [tf.sub(x, tf.mul(y, piecewiseConstant(tf, truncate, tf.div(x, y))))];
  },
});
