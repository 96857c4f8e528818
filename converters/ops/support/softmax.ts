import type * as tfjs from '@tensorflow/tfjs-core';
import { defineOp, optionalInt, type OpDefinition, type Tf } from '../define-op.js';
import { normalizeAxis, sizeOf } from './shapes.js';

type Compute = (tf: Tf, x: tfjs.Tensor) => tfjs.Tensor;

/**
 * Since opset 13 along one axis (default the last); before, over all axes from `axis` (default 1) on, together.
 * @param compute works along the last axis
 */
export function softmaxLike(opType: string, compute: Compute): OpDefinition {
  return defineOp(opType, {
    since: [1, 11, 13],
    inputs: [1, 1],
    outputs: [1, 1],
    attributes: { axis: optionalInt() },
    shape: ([x]) => [x],
    forward: (tf, [x], { axis }, { opset }) => [
      opset >= 13 ? alongAxis(tf, x, axis ?? -1, compute) : flattened(tf, x, axis ?? 1, compute),
    ],
  });
}

function alongAxis(tf: Tf, x: tfjs.Tensor, axis: number, compute: Compute): tfjs.Tensor {
  const last = x.rank - 1;
  const along = normalizeAxis(axis, x.rank);
  if (along === last) return compute(tf, x);
  const swap = x.shape.map((_, i) => (i === along ? last : i === last ? along : i));
  return tf.transpose(compute(tf, tf.transpose(x, swap)), swap);
}

function flattened(tf: Tf, x: tfjs.Tensor, axis: number, compute: Compute): tfjs.Tensor {
  const along = normalizeAxis(axis, x.rank, x.rank + 1);
  const rows = tf.reshape(x, [sizeOf(x.shape.slice(0, along)), sizeOf(x.shape.slice(along))]);
  return tf.reshape(compute(tf, rows), x.shape);
}
