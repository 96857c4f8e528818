import type * as tfjs from '@tensorflow/tfjs-core';
import { defineOp, type Tf } from './define-op.js';
import { toScalar } from './support/constants.js';
import { foldElements } from './support/elementwise.js';
import { align, alignedShape, legacyBroadcast } from './support/legacy-broadcast.js';
import { broadcastShapes } from './support/shapes.js';

/** The result has the type of the base. */
export const Pow = defineOp('Pow', {
  since: [1, 7, 12, 13, 15],
  inputs: [2, 2],
  outputs: [1, 1],
  attributes: legacyBroadcast,
  shape: ([base, exponent], attributes) => [broadcastShapes(base, alignedShape(base, exponent, attributes))],
  fold: ([base, exponent], attributes) =>
    foldElements([base, { ...exponent, dims: alignedShape(base.dims, exponent.dims, attributes) }], {
      float: (x, y: number | bigint) => x ** Number(y),
      integer: (x, y: number | bigint) =>
        typeof y === 'bigint' && y >= 0n ? x ** y : Number(x) ** Number(y),
    }),
  forward(tf, [base, unaligned], attributes, { constants }) {
    const exponent = align(tf, base, unaligned, attributes);
    // An exponent of higher rank would give the result its rank.
    const single = exponent.size === 1 && exponent.rank <= base.rank;
    const power = single && constants[1] ? toScalar(constants[1], 'exponent') : undefined;
    return [powerOf(tf, base, exponent, power)];
  },
});

/** Squares and roots have cheaper gradients than pow, and ones that exist at 0. */
function powerOf(tf: Tf, base: tfjs.Tensor, exponent: tfjs.Tensor, power: number | undefined): tfjs.Tensor {
  if (power === 2) return tf.square(base);
  if (power === 0.5) return tf.sqrt(base);
  return tf.pow(base, tf.cast(exponent, base.dtype));
}
