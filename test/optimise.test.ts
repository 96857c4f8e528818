import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { adam, adamLearningRate, type AdamMoments, type AdamOptions } from '../src/optimise/adam.js';
import { differentiate } from '../src/optimise/gradients.js';
import { lars, type LarsOptions } from '../src/optimise/lars.js';
import { cosineLearningRate } from '../src/optimise/schedules.js';
import { createRandom } from '../src/random.js';
import { createEagerEngine } from './support/eager-engine.js';

beforeAll(async () => {
  await createEagerEngine();
});

/** What Adam makes of tensors at these gradients, one after another. */
function descend(
  start: number[],
  gradients: readonly number[][],
  learningRate: number,
  options: AdamOptions,
): Float32Array {
  let value: tf.Tensor = tf.tensor(start);
  let moments: AdamMoments = { first: tf.zerosLike(value), second: tf.zerosLike(value) };
  gradients.forEach((g, i) => {
    const rate = tf.scalar(adamLearningRate(learningRate, i + 1, options));
    const { move, ...next } = adam(moments, tf.tensor(g), rate, options);
    value = tf.sub(value, move);
    moments = next;
  });
  return value.dataSync() as Float32Array;
}

const gradientsOf = (steps: number) => {
  const random = createRandom(1).split('gradients');
  return Array.from({ length: steps }, () => Array.from(random.gaussian(4)));
};

describe('Adam', () => {
  test('follows algorithm 1 of the paper, computed in double precision', () => {
    const options = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };
    const expected = { x: [1, -2, 3, 0.5], m: [0, 0, 0, 0], v: [0, 0, 0, 0] };
    const start = expected.x;
    gradientsOf(30).forEach((g, i) => {
      const t = i + 1;
      expected.m = expected.m.map((m, j) => 0.9 * m + 0.1 * g[j]);
      expected.v = expected.v.map((v, j) => 0.999 * v + 0.001 * g[j] ** 2);
      expected.x = expected.x.map((x, j) => {
        const m = expected.m[j] / (1 - 0.9 ** t);
        const v = expected.v[j] / (1 - 0.999 ** t);
        return x - (0.05 * m) / (Math.sqrt(v) + 1e-8);
      });
    });
    descend(start, gradientsOf(30), 0.05, options).forEach((x, j) => {
      expect(x).toBeCloseTo(expected.x[j], 5);
    });
  });

  test('moves by the learning rate where the gradient is constant', () => {
    const options = { beta1: 0.5, beta2: 0.9, epsilon: 1e-8 };
    const [a, b] = descend([0, 0], Array<number[]>(10).fill([0.3, -7]), 0.1, options);
    expect(a).toBeCloseTo(-1, 5);
    expect(b).toBeCloseTo(1, 5);
  });
});

describe('LARS', () => {
  const options: LarsOptions = { momentum: 0.8, trust: 0.4 };
  const rates = [0, 0.01, 0.02, 0.02, 0.015, 0.004];

  /** In double precision; `share` is what a direction is multiplied by, of its length and that of the weights. */
  function expected(
    start: number[],
    gradients: number[][],
    share: (w: number, d: number) => number,
  ): number[] {
    let [w, v] = [start, start.map(() => 0)];
    gradients.forEach((g, i) => {
      v = v.map((velocity, j) => 0.8 * velocity + g[j]);
      const d = g.map((x, j) => x + 0.8 * v[j]);
      const length = rates[Math.floor(i / 4)] * share(Math.hypot(...w), Math.hypot(...d));
      w = w.map((x, j) => x - length * d[j]);
    });
    return w;
  }

  function actual(start: number[], shape: number[], gradients: number[][]): Float32Array {
    let state = { value: tf.tensor(start, shape), velocity: tf.zeros(shape) };
    gradients.forEach((g, i) => {
      state = lars(state, tf.tensor(g, shape), tf.scalar(rates[Math.floor(i / 4)]), options);
    });
    return state.value.dataSync() as Float32Array;
  }

  const start = [1, -2, 3, 0.5];
  const gradients = gradientsOf(24);

  test("takes the steps of PyTorch's SGD with Nesterov's momentum where there is one dimension", () => {
    const wanted = expected(start, gradients, () => 1);
    actual(start, [4], gradients).forEach((x, j) => {
      expect(x).toBeCloseTo(wanted[j], 5);
    });
  });

  test('moves the weights of a layer by a share of their norm, whatever the length of the gradient', () => {
    const wanted = expected(start, gradients, (w, d) => (0.4 * w) / d);
    for (const scale of [1, 1e-6, 1e6]) {
      const scaled = gradients.map((g) => g.map((x) => x * scale));
      actual(start, [2, 2], scaled).forEach((x, j) => {
        expect(x).toBeCloseTo(wanted[j], 5);
      });
    }
  });

  test('leaves weights alone that have no gradient', () => {
    const none = gradients.map((g) => g.map(() => 0));
    expect(Array.from(actual(start, [2, 2], none))).toEqual(start);
  });
});

describe('cosine schedule', () => {
  const schedule = { learningRate: 0.4, steps: 100, warmUp: 0.1 };
  const rates = Array.from({ length: 100 }, (_, step) => cosineLearningRate(schedule, step));

  test('rises linearly, peaks after the warm-up, falls to almost nothing', () => {
    expect(rates[0]).toBeCloseTo(0.4 / 11, 10);
    expect(rates[4]).toBeCloseTo((5 * 0.4) / 11, 10);
    expect(rates[10]).toBe(0.4);
    expect(Math.max(...rates)).toBe(0.4);
    expect(rates[55]).toBeCloseTo(0.2, 10);
    expect(rates[99]).toBeLessThan(0.0002);
  });

  test('starts at the peak without warm-up', () => {
    expect(cosineLearningRate({ learningRate: 0.05, steps: 7 }, 0)).toBe(0.05);
  });
});

test('an objective is differentiated by every argument, and its other outputs outlive the gradient', () => {
  const { loss, outputs, gradients } = differentiate(
    ({ a, b }) => {
      const product = tf.mul(a, b);
      return { loss: tf.sum(tf.square(product)), outputs: { product } };
    },
    { a: tf.tensor([1, 2]), b: tf.tensor([3, -4]) },
  );
  expect(loss.dataSync()[0]).toBe(73);
  expect(Array.from(outputs['product'].dataSync())).toEqual([3, -8]);
  expect(Array.from(gradients['a'].dataSync())).toEqual([18, 64]);
  expect(Array.from(gradients['b'].dataSync())).toEqual([6, -32]);
});
