import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import type { ImageSource } from '../src/dream/image-source.js';
import type { Engine, HostTensor } from '../src/engine/engine.js';
import { pruneByMagnitude } from '../src/prune/magnitude.js';
import { createRandom } from '../src/random.js';
import { matchChannelStatistics } from '../src/recover/channel-statistics.js';
import { replaceWeights, type Student } from '../src/student.js';
import { createEagerEngine, toTensors } from './support/eager-engine.js';
import { createTinyNetwork } from './support/tiny-network.js';

const BATCH = 8;
const network = createTinyNetwork(BATCH);
const pruned = pruneByMagnitude(network, { sparsity: 0.6 });
let engine: Engine;
beforeAll(async () => {
  engine = await createEagerEngine();
});

function noise(seed: number): HostTensor {
  const random = createRandom(seed);
  const contrasts = random.gaussian(3 * BATCH);
  const data = random.gaussian(BATCH * 192).map((x, i) => (x + 1) * contrasts[Math.floor(i / 64)]);
  return { shape: [BATCH, 3, 8, 8], data };
}
const repeating = (...batches: HostTensor[]): ImageSource => {
  let i = 0;
  return { next: () => Promise.resolve(batches[i++ % batches.length]) };
};

/** Mean and variance of every channel behind every batch norm, in inference mode. */
function momentsOf({ weights }: Pick<Student, 'weights'>, images: HostTensor): number[][] {
  const given = Array.from(weights, ([name, data]): [string, tf.Tensor] => [
    name,
    tf.tensor(data, [...network.parameters.get(name)!.dims]),
  ]);
  const { values } = network.forward(tf, Object.fromEntries(given), toTensors({ images })['images']);
  return network.batchNorms.flatMap(({ output }) => {
    const { mean, variance } = tf.moments(values.get(output)!, [0, 2, 3]);
    return [Array.from(mean.dataSync()), Array.from(variance.dataSync())];
  });
}

describe('matching of channel statistics', () => {
  test('gives every layer the means and variances of the teacher, on the images it was measured on', async () => {
    const images = noise(1);
    const student = await matchChannelStatistics(engine, network, pruned, repeating(images), 1);
    const expected = momentsOf({ weights: new Map() }, images);
    const before = momentsOf(pruned, images);
    momentsOf(student, images).forEach((row, i) => {
      row.forEach((value, c) => {
        // Epsilon within batch norm takes a share of 1e-5 / variance.
        expect(Math.abs(value - expected[i][c])).toBeLessThan(1e-3 * (1 + Math.abs(expected[i][c])));
      });
    });
    expect(before.flat().some((value, i) => Math.abs(value - expected.flat()[i]) > 0.05)).toBe(true);
  });

  test('averages over batches, changes no weight and keeps the sign of each scale', async () => {
    const turned = replaceWeights(
      pruned,
      new Map([['conv1.scale', pruned.weights.get('conv1.scale')!.map((x, i) => (i === 1 ? -x : x))]]),
    );
    const batches = [noise(1), noise(2)];
    const both = await matchChannelStatistics(engine, network, turned, repeating(...batches), 2);
    const [one, two] = await Promise.all(
      batches.map((batch) => matchChannelStatistics(engine, network, turned, repeating(batch), 1)),
    );
    for (const [name, values] of both.weights) {
      const { role } = network.parameters.get(name)!;
      if (role === 'weight' || role === 'bias') expect(values).toEqual(turned.weights.get(name));
      values.forEach((value, i) => {
        expect(value).toBeCloseTo((one.weights.get(name)![i] + two.weights.get(name)![i]) / 2, 5);
      });
    }
    expect(Array.from(both.weights.get('conv1.scale')!, Math.sign)).toEqual(
      Array.from(turned.weights.get('conv1.scale')!, Math.sign),
    );
    expect(both.masks).toBe(turned.masks);
  });

  test("a channel that lost all its weights keeps the teacher's mean", async () => {
    const dead = pruned.weights.get('conv2.weight')!.map((x, i) => (i < 36 ? 0 : x));
    const student = replaceWeights(pruned, new Map([['conv2.weight', dead]]));
    const images = noise(1);
    const matched = await matchChannelStatistics(engine, network, student, repeating(images), 1);
    const [, , means, variances] = momentsOf(matched, images);
    expect(means[0]).toBeCloseTo(momentsOf({ weights: new Map() }, images)[2][0], 4);
    expect(variances[0]).toBeLessThan(1e-6);
  });
});
