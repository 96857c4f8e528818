import type * as tfjs from '@tensorflow/tfjs-core';
import { flag, optionalInt, type Shape, type Tf } from '../define-op.js';
import { normalizeAxis, shapeError, show } from './shapes.js';

/** Before opset 7 arithmetic broadcast the second input only, on demand, and from an axis of the first on. */
export const legacyBroadcast = {
  broadcast: flag(0, { before: 7 }),
  axis: optionalInt({ before: 7 }),
};

export interface LegacyAttributes {
  readonly axis: number | undefined;
}

/** The second input's shape with the axes that it lacks at the end. */
export function alignedShape(a: Shape, b: Shape, { axis }: LegacyAttributes): Shape {
  if (axis === undefined) return b;
  const first = normalizeAxis(axis, a.length);
  const behind = a.length - first - b.length;
  if (behind < 0) throw shapeError(`${show(b)} from axis ${first} on does not fit ${show(a)}.`);
  return [...b, ...new Array<number>(behind).fill(1)];
}

/** The second input in that shape. */
export function align(tf: Tf, a: tfjs.Tensor, b: tfjs.Tensor, attributes: LegacyAttributes): tfjs.Tensor {
  return attributes.axis === undefined ? b : tf.reshape(b, [...alignedShape(a.shape, b.shape, attributes)]);
}
