import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { adam, adamLearningRate } from '../src/optimise/adam.js';
import { differentiate } from '../src/optimise/gradients.js';
import { cosineLearningRate } from '../src/optimise/schedules.js';
import { heavyBallMomentum, sgd } from '../src/optimise/sgd.js';
import { createRandom } from '../src/random.js';
import { createEagerEngine } from './support/eager-engine.js';

beforeAll(async () => {
  await createEagerEngine();
});

const gradientsOf = (steps: number) => {
  const random = createRandom(1).split('gradients');
  return Array.from({ length: steps }, () => Array.from(random.gaussian(4)));
};

describe('Adam', () => {
  test('follows algorithm 1 of the paper, computed in double precision', () => {
    const options = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };
    const expected = { x: [1, -2, 3, 0.5], m: [0, 0, 0, 0], v: [0, 0, 0, 0] };
    let state = { value: tf.tensor(expected.x), first: tf.zeros([4]), second: tf.zeros([4]) };
    gradientsOf(30).forEach((g, i) => {
      const t = i + 1;
      expected.m = expected.m.map((m, j) => 0.9 * m + 0.1 * g[j]);
      expected.v = expected.v.map((v, j) => 0.999 * v + 0.001 * g[j] ** 2);
      expected.x = expected.x.map((x, j) => {
        const m = expected.m[j] / (1 - 0.9 ** t);
        const v = expected.v[j] / (1 - 0.999 ** t);
        return x - (0.05 * m) / (Math.sqrt(v) + 1e-8);
      });
      state = adam(state, tf.tensor(g), tf.scalar(adamLearningRate(0.05, t, options)), options);
    });
    state.value.dataSync().forEach((x: number, j: number) => {
      expect(x).toBeCloseTo(expected.x[j], 5);
    });
  });

  test('moves by the learning rate where the gradient is constant', () => {
    const options = { beta1: 0.5, beta2: 0.9, epsilon: 1e-8 };
    let state = { value: tf.tensor([0, 0]), first: tf.zeros([2]), second: tf.zeros([2]) };
    for (let t = 1; t <= 10; t++) {
      state = adam(state, tf.tensor([0.3, -7]), tf.scalar(adamLearningRate(0.1, t, options)), options);
    }
    const [a, b] = state.value.dataSync();
    expect(a).toBeCloseTo(-1, 5);
    expect(b).toBeCloseTo(1, 5);
  });
});

test('gradient descent with momentum follows the recurrence of a velocity, while its rate changes', () => {
  let x = [1, -2, 3, 0.5];
  let v = [0, 0, 0, 0];
  const rates = [0, 0.01, 0.02, 0.02, 0.015, 0.004];
  let state = { value: tf.tensor(x), before: tf.tensor(x) };
  gradientsOf(24).forEach((g, i) => {
    const rate = rates[Math.floor(i / 4)];
    const lastRate = i === 0 ? 0 : rates[Math.floor((i - 1) / 4)];
    // Where nothing moves, nothing is remembered.
    v = rate === 0 ? v : v.map((velocity, j) => 0.9 * velocity + g[j]);
    x = x.map((value, j) => value - rate * v[j]);
    const momentum = heavyBallMomentum(0.9, rate, lastRate);
    state = sgd(state, tf.tensor(g), tf.scalar(rate), tf.scalar(momentum));
  });
  // A rounding of the weights, 2^-23 at most, is carried on by the momentum: ten times as much in each of 24 steps.
  const bound = 24 * 10 * 2 ** -23;
  state.value.dataSync().forEach((value: number, j: number) => {
    expect(Math.abs(value - x[j])).toBeLessThan(bound);
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
