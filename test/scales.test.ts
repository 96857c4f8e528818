import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { adamAtScales, enlargement, scalesOf, startMoments } from '../src/dream/scales.js';
import type { Tensors } from '../src/engine/engine.js';
import { adamLearningRate } from '../src/optimise/adam.js';
import { createRandom } from '../src/random.js';
import { createEagerEngine, toTensors } from './support/eager-engine.js';

beforeAll(async () => {
  await createEagerEngine();
});

const OPTIONS = { beta1: 0.3, beta2: 0.2, epsilon: 1e-8 };

test('scales are halves, rounded up, down to two pixels on the shorter side', () => {
  expect(scalesOf([32, 32]).map(([height]) => height)).toEqual([32, 16, 8, 4, 2]);
  expect(scalesOf([9, 20])).toEqual([
    [9, 20],
    [5, 10],
    [3, 5],
    [2, 3],
  ]);
  expect(scalesOf([2, 2])).toEqual([[2, 2]]);
  expect(scalesOf([1, 8])).toEqual([[1, 8]]);
});

/** TensorFlow.js's own enlargement of a plane, [height, width]. */
function enlarge(plane: tf.Tensor2D, [height, width]: readonly [number, number]): tf.Tensor2D {
  const [own, across] = plane.shape;
  const image = tf.reshape<tf.Rank.R4>(plane, [1, own, across, 1]);
  return tf.reshape(tf.image.resizeBilinear(image, [height, width], false, true), [height, width]);
}

test.each([
  [8, 4],
  [9, 5],
  [20, 3],
])('%i elements from %i are those that TensorFlow.js enlarges to', (size, from) => {
  const data = createRandom(1).gaussian(from);
  const expected = enlarge(tf.tensor2d(data, [from, 1]), [size, 1]).dataSync();
  const found = tf.matMul(enlargement(size, from), tf.tensor2d(data, [from, 1])).dataSync();
  found.forEach((x, i) => {
    expect(x).toBeCloseTo(expected[i], 5);
  });
});

describe('a step', () => {
  const [height, width] = [9, 6] as const;
  const target = createRandom(2).gaussian(height * width);
  // Of the sum of squared distances from the target, each pixel at a weight of its own.
  const weights = createRandom(3)
    .gaussian(height * width)
    .map(Math.abs);
  const gradientAt = (image: ArrayLike<number>) =>
    target.map((goal, i) => 2 * weights[i] * (image[i] - goal));

  /** Adam on each scale's own pixels, in double precision; the image is the sum of what TensorFlow.js enlarges. */
  function descendParts(steps: number, falloff: number): number[] {
    const parts = scalesOf([height, width]).map(([own, across], scale) => {
      const bases = Array.from({ length: own * across }, (_, i) => {
        const pixel = tf.oneHot(tf.tensor1d([i], 'int32'), own * across);
        return enlarge(tf.reshape<tf.Rank.R2>(pixel, [own, across]), [height, width]).dataSync();
      });
      return bases.map((base) => ({ base, rate: 0.05 * falloff ** scale, first: 0, second: 0 }));
    });
    const image = Array<number>(height * width).fill(0);
    for (let t = 1; t <= steps; t++) {
      const gradient = gradientAt(image);
      for (const pixel of parts.flat()) {
        const slope = gradient.reduce((sum, g, i) => sum + g * pixel.base[i], 0);
        pixel.first = OPTIONS.beta1 * pixel.first + (1 - OPTIONS.beta1) * slope;
        pixel.second = OPTIONS.beta2 * pixel.second + (1 - OPTIONS.beta2) * slope ** 2;
        const m = pixel.first / (1 - OPTIONS.beta1 ** t);
        const v = pixel.second / (1 - OPTIONS.beta2 ** t);
        const move = (pixel.rate * m) / (Math.sqrt(v) + OPTIONS.epsilon);
        for (let i = 0; i < image.length; i++) image[i] -= move * pixel.base[i];
      }
    }
    return image;
  }

  test.each([1, 0.4])('is one of Adam for the pixels of every scale, at rates that fall by %f', (falloff) => {
    const steps = 5;
    let image: tf.Tensor = tf.zeros([1, 1, height, width]);
    let moments: Tensors = toTensors(startMoments(image.shape));
    for (let t = 1; t <= steps; t++) {
      const gradient = tf.tensor(gradientAt(image.dataSync()), image.shape);
      const rate = tf.scalar(adamLearningRate(0.05, t, OPTIONS));
      const next = adamAtScales(moments, gradient, rate, { ...OPTIONS, falloff });
      image = tf.sub(image, next.move);
      moments = next.moments;
    }
    const expected = descendParts(steps, falloff);
    expect(Math.hypot(...expected)).toBeGreaterThan(1);
    image.dataSync().forEach((x: number, i: number) => {
      expect(x).toBeCloseTo(expected[i], 4);
    });
  });
});
