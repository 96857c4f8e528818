import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { batchNormDistance, crossEntropy, totalVariation } from '../src/dream/losses.js';
import type { Network } from '../src/network/network.js';
import { createRandom } from '../src/random.js';
import { createEagerEngine } from './support/eager-engine.js';
import { createTinyNetwork } from './support/tiny-network.js';

const BATCH = 6;
const network = createTinyNetwork(BATCH);
beforeAll(createEagerEngine);

const noise = (seed: number, shape: readonly number[]) =>
  tf.tensor(createRandom(seed).gaussian(shape.reduce((product, size) => product * size, 1)), [...shape]);
const scalar = (x: tf.Tensor) => x.dataSync()[0];

describe('losses', () => {
  test('cross-entropy is the mean of -log p(target)', () => {
    const logits = [
      [1, 2, 4],
      [0.5, -1, 0],
    ];
    const expected =
      -(
        4 -
        Math.log(Math.exp(1) + Math.exp(2) + Math.exp(4)) +
        0.5 -
        Math.log(Math.exp(0.5) + Math.exp(-1) + 1)
      ) / 2;
    const targets = tf.tensor([
      [0, 0, 1],
      [1, 0, 0],
    ]);
    expect(scalar(crossEntropy(tf.tensor(logits), targets))).toBeCloseTo(expected, 6);
  });

  test('total variation is the mean squared difference of neighbours', () => {
    // One row up and down: differences 1, 3; across: 2, 4.
    const x = tf.tensor([1, 3, 2, 6], [1, 1, 2, 2]);
    expect(scalar(totalVariation(x))).toBeCloseTo((1 + 9) / 2 + (4 + 16) / 2, 6);
    expect(scalar(totalVariation(tf.ones([2, 3, 5, 4])))).toBe(0);
  });
});

describe('the batch-norm distance', () => {
  const EPSILON = 1e-5;
  /** Batch norms of these stored statistics that read the values of their own index. */
  const normalising = (layers: readonly { mean: number[]; variance: number[]; epsilon?: number }[]) => {
    const parameter = (name: string, values: number[]) =>
      [name, { ...network.parameters.get('conv1.mean')!, name, data: Float32Array.from(values) }] as const;
    const batchNorms = layers.map(({ mean, epsilon = EPSILON }, i) => {
      const names = { input: `x${i}`, mean: `mean${i}`, variance: `variance${i}` };
      return { ...network.batchNorms[0], ...names, channels: mean.length, epsilon };
    });
    const parameters = new Map(
      layers.flatMap(({ mean, variance }, i) => [
        parameter(`mean${i}`, mean),
        parameter(`variance${i}`, variance),
      ]),
    );
    return { ...network, batchNorms, parameters };
  };
  const distanceOf = (normalised: Network, inputs: readonly tf.Tensor[], firstMultiplier?: number) => {
    const values = new Map(inputs.map((x, i) => [`x${i}`, x]));
    return batchNormDistance(normalised, { logits: inputs[0], values, statistics: {} }, firstMultiplier);
  };
  /** The textbook's integral of p ln(p / q) over the real line for two Gaussians, by the trapezoidal rule. */
  const divergence = (m: number, v: number, mean: number, variance: number) => {
    const log = (x: number, centre: number, width: number) =>
      -((x - centre) ** 2) / (2 * width) - Math.log(2 * Math.PI * width) / 2;
    let sum = 0;
    for (let z = -10; z <= 10; z += 0.01) {
      const x = m + z * Math.sqrt(v);
      sum += 0.01 * Math.sqrt(v) * Math.exp(log(x, m, v)) * (log(x, m, v) - log(x, mean, variance));
    }
    return sum;
  };

  test('is the divergence of Gaussians, averaged over channels, then over layers', () => {
    const activations = network.forward(tf, {}, noise(1, [BATCH, 3, 8, 8]));
    const layers = network.batchNorms.map((norm) => {
      const values = activations.values.get(norm.input)!.dataSync();
      const channels = Array.from({ length: norm.channels }, (_, c) => {
        const own = Array.from(values).filter((_, i) => Math.floor(i / 64) % norm.channels === c);
        const mean = own.reduce((sum, x) => sum + x, 0) / own.length;
        const variance = own.reduce((sum, x) => sum + (x - mean) ** 2, 0) / own.length;
        const stored = (name: string) => network.parameters.get(name)!.data[c];
        return divergence(mean, variance + EPSILON, stored(norm.mean), stored(norm.variance) + EPSILON);
      });
      return channels.reduce((sum, x) => sum + x, 0) / channels.length;
    });
    expect(scalar(batchNormDistance(network, activations))).toBeCloseTo((layers[0] + layers[1]) / 2, 5);
    expect(scalar(batchNormDistance(network, activations, 10))).toBeCloseTo(
      (10 * layers[0] + layers[1]) / 11,
      5,
    );
  });

  test('is 0 with a gradient of 0 where the statistics fit exactly', () => {
    const exact = normalising([{ mean: [0], variance: [1] }]);
    const { value, grad } = tf.valueAndGrad((x) => distanceOf(exact, [x]))(
      tf.tensor([1, -1, 1, -1], [4, 1, 1, 1]),
    );
    expect(scalar(value)).toBe(0);
    expect(Array.from(grad.dataSync(), Math.abs)).toEqual([0, 0, 0, 0]);
  });

  test('does not depend on units, nor on how many equal layers there are', () => {
    const layer = { mean: [0.2, -0.4], variance: [1.5, 0.5] };
    const x = noise(3, [4, 2, 3, 3]);
    const once = scalar(distanceOf(normalising([layer]), [x]));
    expect(once).toBeGreaterThan(0.01);
    const many = <T>(value: T) => Array.from({ length: 55 }, () => value);
    expect(scalar(distanceOf(normalising(many(layer)), many(x)))).toBeCloseTo(once, 5);
    const scaled = {
      mean: layer.mean.map((value) => 255 * value),
      variance: layer.variance.map((value) => 255 ** 2 * value),
      epsilon: 255 ** 2 * EPSILON,
    };
    expect(scalar(distanceOf(normalising([scaled]), [tf.mul(x, 255)]))).toBeCloseTo(once, 5);
  });

  test('is finite, with a finite gradient, for constant images in large units and dead channels', () => {
    const dead = normalising([{ mean: [3, 0], variance: [6e-45, 6e-45] }]);
    const x = tf.tensor([250.1, 0, 250.1, 0, 250.1, 0], [3, 2, 1, 1]);
    const { value, grad } = tf.valueAndGrad((xs) => distanceOf(dead, [xs]))(x);
    for (const element of [scalar(value), ...grad.dataSync()]) expect(element).toSatisfy(Number.isFinite);
    expect(Array.from(grad.dataSync()).filter((_, i) => i % 2 === 1)).toEqual([0, 0, 0]);
  });
});
