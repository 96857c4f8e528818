import type * as tfjs from '@tensorflow/tfjs-core';
import { defineOp, flag, float, type Tf } from './define-op.js';
import { broadcastShapes, shapeError, show } from './support/shapes.js';

/** alpha A' B' + beta C, where ' transposes on demand and C broadcasts to the result. */
export const Gemm = defineOp('Gemm', {
  since: [6, 7, 9, 11, 13],
  inputs: [2, 3],
  outputs: [1, 1],
  attributes: {
    alpha: float(1),
    beta: float(1),
    transA: flag(0),
    transB: flag(0),
    // Whether C may broadcast; since opset 7 it always may.
    broadcast: flag(0, { before: 7 }),
  },
  shape([a, b, c = []], { transA, transB }) {
    if (a.length !== 2 || b.length !== 2)
      throw shapeError(`${show(a)} and ${show(b)} are not both matrices.`);
    const [rows, inner] = transA === 1 ? [a[1], a[0]] : a;
    const [depth, columns] = transB === 1 ? [b[1], b[0]] : b;
    if (inner !== depth) {
      throw shapeError(`${show(a)} (transA ${transA}) times ${show(b)} (transB ${transB}) do not fit.`);
    }
    const result = [rows, columns];
    if (show(broadcastShapes(result, c)) !== show(result)) {
      throw shapeError(`C ${show(c)} does not broadcast to ${show(result)}.`);
    }
    return [result];
  },
  forward(tf, [a, b, c], { alpha, beta, transA, transB }) {
    const product = scaled(tf, tf.matMul(a, b, transA === 1, transB === 1), alpha);
    return [c && beta !== 0 ? tf.add(product, scaled(tf, c, beta)) : product];
  },
});

function scaled(tf: Tf, x: tfjs.Tensor, factor: number): tfjs.Tensor {
  return factor === 1 ? x : tf.mul(x, tf.scalar(factor));
}
