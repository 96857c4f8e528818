import * as tf from '@tensorflow/tfjs-core';
import type { Arrays, Tensors } from '../engine/engine.js';
import { zeros } from '../engine/host-tensor.js';
import { adam, type AdamOptions } from '../optimise/adam.js';

type Size = readonly [height: number, width: number];

/** Pixels of the smallest scale's shorter side: its own light is the sum of theirs. */
const SMALLEST = 2;

/** The scales of an image: its own size, then each half of the one before (rounded up), down to two pixels a side. */
export function scalesOf([height, width]: Size): Size[] {
  const smaller: Size = [Math.ceil(height / 2), Math.ceil(width / 2)];
  if (Math.min(...smaller) < SMALLEST) return [[height, width]];
  return [[height, width], ...scalesOf(smaller)];
}

/** Adam's moments of images [count, channels, height, width], before the first update: by name, for each of the scales. */
export function startMoments([count, channels, height, width]: readonly number[]): Arrays {
  const entries = scalesOf([height, width]).flatMap((size, scale) =>
    ['first', 'second'].map((moment) => [`${moment}:${scale}`, zeros([count, channels, ...size])] as const),
  );
  return Object.fromEntries(entries);
}

export interface ScalesOptions extends AdamOptions {
  /** The rate of each scale, relative to that of the one before, which is twice as large; default 1. */
  readonly falloff?: number | undefined;
}

/**
 * One step of Adam on images taken as sums of images of all scales, each enlarged linearly: what is to be subtracted from
 * them. A region then moves as far in an update as a pixel, where on pixels alone Adam lets each go its own way, and light
 * and colour take many updates to come right.
 * @param moments of `startMoments`' names
 * @param gradient of the images, [count, channels, height, width]
 * @param learningRate of the images' own scale, a scalar made by `adamLearningRate`
 */
export function adamAtScales(
  moments: Tensors,
  gradient: tf.Tensor,
  learningRate: tf.Tensor,
  { falloff = 1, ...options }: ScalesOptions,
): { readonly move: tf.Tensor; readonly moments: Tensors } {
  const [, , height, width] = gradient.shape as [number, number, number, number];
  const next: Record<string, tf.Tensor> = {};
  const moves = scalesOf([height, width]).map((size, scale) => {
    const update = (own: tf.Tensor) => {
      const old = { first: moments[`first:${scale}`], second: moments[`second:${scale}`] };
      const rate = falloff === 1 ? learningRate : tf.mul(learningRate, falloff ** scale);
      const { move, first, second } = adam(old, own, rate, options);
      Object.assign(next, { [`first:${scale}`]: first, [`second:${scale}`]: second });
      return move;
    };
    if (scale === 0) return update(gradient);
    const [rows, columns] = [enlargement(height, size[0]), enlargement(width, size[1])];
    const own = tf.matMul(tf.matMul(rows, gradient, true), columns);
    return tf.matMul(tf.matMul(rows, update(own)), columns, false, true);
  });
  return { move: tf.addN(moves), moments: next };
}

/** Linear enlargement of `from` elements to `size`, edges repeated, as a matrix [size, from]. */
export function enlargement(size: number, from: number): tf.Tensor2D {
  const data = new Float32Array(size * from);
  for (let i = 0; i < size; i++) {
    const place = ((i + 0.5) * from) / size - 0.5;
    const before = Math.floor(place);
    const share = place - before;
    data[i * from + Math.max(before, 0)] += 1 - share;
    data[i * from + Math.min(before + 1, from - 1)] += share;
  }
  return tf.tensor2d(data, [size, from]);
}
