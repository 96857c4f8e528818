import { defineOp, flag } from './define-op.js';
import { foldElements } from './support/elementwise.js';
import { broadcastShapes, shapeError } from './support/shapes.js';

/** `fmod` 1: the result has the sign of the dividend, as in C; else of the divisor, as in Python. */
export const Mod = defineOp('Mod', {
  since: [10, 13],
  inputs: [2, 2],
  outputs: [1, 1],
  attributes: { fmod: flag(0) },
  shape: (inputs) => [broadcastShapes(...inputs)],
  fold: ([a, b], { fmod }) =>
    foldElements([a, b], {
      integer(x, y) {
        if (y === 0n) throw shapeError('an integer is divided by zero.');
        const remainder = x % y;
        return fmod === 0 && remainder !== 0n && remainder < 0n !== y < 0n ? remainder + y : remainder;
      },
      ...(fmod === 1 && { float: (x: number, y: number) => x % y }),
    }),
});
