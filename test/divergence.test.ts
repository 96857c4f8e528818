import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { jensenShannon, predictionEntropy } from '../src/dream/divergence.js';
import { createRandom } from '../src/random.js';
import { createEagerEngine } from './support/eager-engine.js';

beforeAll(createEagerEngine);

const T = 3;
const scalar = (x: tf.Tensor) => x.dataSync()[0];
const noise = (seed: number, rows: number, classes: number, scale: number) =>
  tf.tensor2d(
    createRandom(seed)
      .gaussian(rows * classes)
      .map((x) => scale * x),
    [rows, classes],
  );
const softmax = (logits: readonly number[]) => {
  const powers = logits.map((x) => Math.exp(x - Math.max(...logits)));
  const sum = powers.reduce((total, x) => total + x, 0);
  return powers.map((x) => x / sum);
};
const rows = (x: tf.Tensor) => x.arraySync() as number[][];

/** The definition in float64, terms of probability 0 left out. */
function divergence(first: tf.Tensor, second: tf.Tensor): number {
  const others = rows(second);
  const perRow = rows(first).map((row, r) => {
    const [p, q] = [row, others[r]].map((logits) => softmax(logits.map((x) => x / T)));
    const half = (from: number[]) =>
      from.reduce((sum, x, i) => sum + (x > 0 ? (x / 2) * Math.log2(x / ((p[i] + q[i]) / 2)) : 0), 0);
    return half(p) + half(q);
  });
  return perRow.reduce((sum, x) => sum + x, 0) / perRow.length;
}

describe('the Jensen-Shannon divergence', () => {
  test.each([
    ['10 classes', 10, 2],
    ['1,000 classes', 1000, 10],
    ['1,000 classes, far apart', 1000, 300],
  ])('of %s is that of its definition', (_, classes, scale) => {
    const [p, q] = [noise(1, 4, classes, scale), noise(2, 4, classes, scale)];
    expect(scalar(jensenShannon(p, q, T))).toBeCloseTo(divergence(p, q), 4);
    expect(scalar(jensenShannon(q, p, T))).toBeCloseTo(divergence(p, q), 4);
  });

  test('is 0 for equal predictions, and 1 bit for certain and different ones', () => {
    const p = noise(1, 4, 1000, 5);
    expect(scalar(jensenShannon(p, tf.add(p, 7), T))).toBeCloseTo(0, 5);
    const sure = tf.mul(tf.oneHot(tf.tensor1d([3, 900], 'int32'), 1000), 500);
    const elsewhere = tf.mul(tf.oneHot(tf.tensor1d([4, 0], 'int32'), 1000), 500);
    expect(scalar(jensenShannon(sure, elsewhere, T))).toBeCloseTo(1, 5);
  });

  test('of two classes has the closed form of a single probability', () => {
    // p = sigmoid(x / T), q = 1 - p: m = 1/2, so that JS = 1 - H(p).
    const x = 2.5;
    const p = 1 / (1 + Math.exp(-x / T));
    const entropy = -p * Math.log2(p) - (1 - p) * Math.log2(1 - p);
    expect(scalar(jensenShannon(tf.tensor2d([[x, 0]]), tf.tensor2d([[0, x]]), T))).toBeCloseTo(
      1 - entropy,
      6,
    );
  });

  test('has the gradient of finite differences, at equal predictions too', () => {
    const q = noise(2, 2, 10, 3);
    for (const p of [noise(1, 2, 10, 3), q]) {
      const gradient = tf
        .grad((x) => jensenShannon(x, q, T))(p)
        .dataSync();
      const values = p.dataSync();
      for (const i of [0, 7, 13, 19]) {
        const at = (h: number) => {
          const moved = Array.from(values, (x, j) => (j === i ? x + h : x));
          return divergence(tf.tensor2d(moved, [2, 10]), q);
        };
        expect(gradient[i]).toBeCloseTo((at(0.01) - at(-0.01)) / 0.02, 4);
      }
    }
  });

  test('keeps its gradient where clamped probabilities lose theirs', () => {
    const [teacher, student] = [noise(1, 1, 1000, 30), noise(2, 1, 1000, 30)];
    const gradient = tf
      .grad((x) => jensenShannon(x, student, T))(teacher)
      .dataSync();
    // d JS / d x = p (ln(p / m) - KL(p || m)) / (2 T ln 2), in float64.
    const p = softmax(Array.from(teacher.dataSync(), (x) => x / T));
    const q = softmax(Array.from(student.dataSync(), (x) => x / T));
    const log = p.map((x, i) => Math.log((2 * x) / (x + q[i])));
    const mean = p.reduce((sum, x, i) => sum + x * log[i], 0);
    expect(Math.min(...p)).toBeLessThan(1e-24);
    p.forEach((x, i) => {
      // Where the difference cancels, float32 has no digits left.
      if (Math.abs(log[i] - mean) < 0.1) return;
      expect(Math.abs((gradient[i] * 2 * T * Math.LN2) / (x * (log[i] - mean)) - 1)).toBeLessThan(0.01);
    });
    const extreme = tf.grad((x) => jensenShannon(x, tf.mul(student, 1e5), T))(tf.mul(teacher, 1e5));
    expect(Array.from(extreme.dataSync()).every(Number.isFinite)).toBe(true);
  });
});

describe('the entropy of predictions', () => {
  test('is 0 for certain predictions of every class, and for as many as the batch holds', () => {
    const sure = (classes: number[]) => tf.mul(tf.oneHot(tf.tensor1d(classes, 'int32'), 4), 200);
    expect(scalar(predictionEntropy(sure([0, 1, 2, 3])))).toBeCloseTo(0, 5);
    expect(scalar(predictionEntropy(sure([2, 0])))).toBeCloseTo(0, 5);
    expect(scalar(predictionEntropy(sure([1, 1, 1, 1])))).toBeCloseTo(Math.log(4), 5);
    expect(scalar(predictionEntropy(tf.zeros([8, 4])))).toBeCloseTo(Math.log(4), 5);
  });

  test('is the mean entropy of the images, less that of their mean, from the most there can be', () => {
    const logits = noise(3, 6, 5, 2);
    const p = rows(logits).map(softmax);
    const entropy = (row: number[]) => -row.reduce((sum, x) => sum + x * Math.log(x), 0);
    const mean = p[0].map((_, c) => p.reduce((sum, row) => sum + row[c] / 6, 0));
    const expected = p.reduce((sum, row) => sum + entropy(row) / 6, 0) - entropy(mean) + Math.log(5);
    expect(scalar(predictionEntropy(logits))).toBeCloseTo(expected, 5);
    const gradient = tf.grad(predictionEntropy)(tf.mul(logits, 100)).dataSync();
    expect(Array.from(gradient).every(Number.isFinite)).toBe(true);
  });
});
