import type * as tfjs from '@tensorflow/tfjs-core';
import type { Shape, Tf } from '../define-op.js';
import { gather } from './gradients.js';
import { mapAxis } from './linear-map.js';
import { weightsAlong, type ResampleRules, type Resampling, type Weights } from './resample.js';
import { attributeError, shapeError, show } from './shapes.js';

/** Output sizes by factors: what does not fit whole is cut off. */
export function resampleBy(shape: Shape, scales: readonly number[]): Resampling[] {
  if (scales.length !== shape.length || scales.some((scale) => !(scale > 0))) {
    throw attributeError(`scales ${show(scales)} do not fit ${show(shape)}.`);
  }
  return shape.map((input, axis) => ({
    input,
    // In float32, as the factors are: 10 times the one next to 0.7 is 7, not less.
    output: Math.floor(Math.fround(input * scales[axis])),
    scale: scales[axis],
    region: [0, 1],
  }));
}

export function resampleTo(shape: Shape, sizes: readonly number[]): Resampling[] {
  if (sizes.length !== shape.length || sizes.some((size) => size < 0)) {
    throw shapeError(`sizes ${show(sizes)} do not fit ${show(shape)}.`);
  }
  return shape.map((input, axis) => ({
    input,
    output: sizes[axis],
    scale: sizes[axis] / input,
    region: [0, 1],
  }));
}

/** Resamples one axis after the other. @param outside value beyond the region of tf_crop_and_resize */
export function resize(
  tf: Tf,
  x: tfjs.Tensor,
  axes: readonly Resampling[],
  rules: ResampleRules,
  outside = 0,
): tfjs.Tensor {
  let y = x;
  axes.forEach((along, axis) => {
    const weights = weightsAlong(along, rules);
    if (isIdentity(weights, along.input)) return;
    const cropped = weights.map((one): Weights => one ?? new Map([[0, 1]]));
    const moved = cropped.every((one) => one.size === 1)
      ? gather(
          tf,
          y,
          cropped.map((one) => [...one.keys()][0]),
          axis,
        )
      : mapAxis(
          tf,
          y,
          axis,
          cropped.map((one) => Array.from({ length: along.input }, (_, i) => one.get(i) ?? 0)),
        );
    y = weights.includes(undefined) ? fillOutside(tf, moved, axis, weights, outside) : moved;
  });
  return y;
}

function isIdentity(weights: readonly (Weights | undefined)[], size: number): boolean {
  return weights.length === size && weights.every((one, i) => one?.size === 1 && one.has(i));
}

function fillOutside(
  tf: Tf,
  y: tfjs.Tensor,
  axis: number,
  weights: readonly (Weights | undefined)[],
  value: number,
): tfjs.Tensor {
  const along = y.shape.map((_, i) => (i === axis ? weights.length : 1));
  const inside = weights.map((one) => (one ? 1 : 0));
  const filling = weights.map((one) => (one ? 0 : value));
  return tf.add(tf.mul(y, tf.tensor(inside, along)), tf.tensor(filling, along));
}
