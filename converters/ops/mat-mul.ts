import type * as tfjs from '@tensorflow/tfjs-core';
import { defineOp, type Shape, type Tf } from './define-op.js';
import { expand } from './support/gradients.js';
import { broadcastShapes, shapeError, show } from './support/shapes.js';

/** numpy.matmul: vectors count as a row or a column, axes before the last two broadcast. */
export const MatMul = defineOp('MatMul', {
  since: [1, 9, 13],
  inputs: [2, 2],
  outputs: [1, 1],
  attributes: {},
  shape: ([a, b]) => [productShape(a, b)],
  forward(tf, [a, b], _, { outputShapes: [shape] }) {
    const left = a.rank === 1 ? tf.reshape(a, [1, -1]) : a;
    const right = b.rank === 1 ? tf.reshape(b, [-1, 1]) : b;
    return [tf.reshape(multiply(tf, left, right), [...shape])];
  },
});

function productShape(a: Shape, b: Shape): number[] {
  const inner = a.at(-1);
  const depth = b.length === 1 ? b[0] : b.at(-2);
  if (inner === undefined || inner !== depth) throw shapeError(`${show(a)} times ${show(b)} do not fit.`);
  return [
    ...broadcastShapes(a.slice(0, -2), b.slice(0, -2)),
    ...(a.length > 1 ? [a[a.length - 2]] : []),
    ...(b.length > 1 ? [b[b.length - 1]] : []),
  ];
}

/** tfjs' gradient of a batched product does not sum over broadcast axes, so operands are brought to one batch. */
function multiply(tf: Tf, a: tfjs.Tensor, b: tfjs.Tensor): tfjs.Tensor {
  if (b.rank === 2) return tf.matMul(tf.reshape(a, [-1, a.shape[a.rank - 1]]), b);
  const batch = broadcastShapes(a.shape.slice(0, -2), b.shape.slice(0, -2));
  const spread = (x: tfjs.Tensor) => expand(tf, x, [...batch, ...x.shape.slice(-2)]);
  return tf.matMul(spread(a), spread(b));
}
