import { beforeAll, describe, expect, test } from 'vitest';
import { createClassifier } from '../src/classifier.js';
import { createDreamSource } from '../src/dream/dream-source.js';
import type { Engine, HostTensor } from '../src/engine/engine.js';
import { chooseMasks, prune } from '../src/prune/prune.js';
import { createRandom } from '../src/random.js';
import { createMeasure, distil, type Measure } from '../src/recover/distil.js';
import { createGradual } from '../src/recover/gradual.js';
import { copyTeacher, measureSparsity, type Student } from '../src/student.js';
import { createEagerEngine } from './support/eager-engine.js';
import { createTinyNetwork } from './support/tiny-network.js';

const network = createTinyNetwork(8);
const OPTIONS = {
  ...{ steps: 40, learningRate: 0.05, warmUp: 0.1, checks: 8 },
  ...{ temperature: 3, features: 0, momentum: 0.8, trust: 0.4 },
};
let engine: Engine;
beforeAll(async () => {
  engine = await createEagerEngine();
});

/** Noise whose mean differs from image to image and channel to channel, so that the classes do. */
function noise(seed: number, count: number): HostTensor {
  const random = createRandom(seed);
  const means = random.gaussian(3 * count);
  const data = random.gaussian(count * 192).map((x, i) => x + 2 * means[Math.floor(i / 64)]);
  return { shape: [count, 3, 8, 8], data };
}

/** Distils, with a `measure` that sees every student whose agreement is asked for. */
async function learn(sparsity: number, agreement: (student: Student) => number | Promise<number>) {
  const pruned = prune(network, { sparsity });
  const gradual = createGradual(network, { sparsity }, OPTIONS.steps);
  const seen: Student[] = [];
  const measure: Measure = (student) => {
    seen.push(student);
    return Promise.resolve(agreement(student));
  };
  const source = createDreamSource({ images: noise(1, 64) }, 0, createRandom(2));
  const student = await distil(engine, network, pruned, source, measure, { ...OPTIONS, gradual });
  return { pruned, gradual, seen, student };
}

describe('pruning while the student learns', () => {
  test('begins with the largest fifth of the weights', () => {
    const gradual = createGradual(network, { sparsity: 0.9 }, 40)!;
    expect(gradual.start).toEqual(prune(network, { sparsity: 0.8 }));
    expect(gradual.until).toBe(28);
    expect(Array.from({ length: 40 }, (_, i) => i).filter((i) => gradual.cutsAt(i))).toEqual([
      3, 6, 9, 12, 15, 18, 21, 24, 27, 28,
    ]);
  });

  test('is not done where a fifth of the weights or more stay, or in too few steps', () => {
    expect(createGradual(network, { sparsity: 0.8 }, 40)).toBeNull();
    expect(createGradual(network, { sparsity: 0.9 }, 14)).toBeNull();
  });

  test('ends with exactly the sparsity asked for, and the cut weights at 0', async () => {
    const { pruned, gradual, student } = await learn(0.9, () => 1);
    expect(measureSparsity(network, student)).toBe(measureSparsity(network, pruned));
    for (const [name, mask] of student.masks) {
      const values = student.weights.get(name)!;
      // Other weights than at once, but none that was cut to begin with.
      expect(mask.every((keep, i) => keep === 1 || Object.is(values[i], 0))).toBe(true);
      expect(mask.every((keep, i) => keep <= gradual!.start.masks.get(name)![i])).toBe(true);
    }
    expect(student.masks).not.toEqual(pruned.masks);
  });

  test('cuts by the weights as they are then', () => {
    const gradual = createGradual(network, { sparsity: 0.9 }, 40)!;
    const weights = new Map(
      [...copyTeacher(network).weights].map(([name, values]) => [name, values.map((_, i) => (i % 7) + 1)]),
    );
    expect(gradual.masksAt(28, weights)).toEqual(chooseMasks(network, weights, { sparsity: 0.9 }));
  });

  test('judges only students that are cut whole', async () => {
    const { pruned, seen } = await learn(0.9, () => 0.5);
    expect(seen[0]).toBe(pruned);
    // Of eight checks, those at steps 30, 35 and 40.
    expect(seen).toHaveLength(1 + 3);
    for (const student of seen)
      expect(measureSparsity(network, student)).toBe(measureSparsity(network, pruned));
  });

  test('returns the student it was given when learning only makes it worse', async () => {
    let asked = 0;
    const { pruned, student } = await learn(0.9, () => (asked++ === 0 ? 1 : 0));
    expect(student).toBe(pruned);
  });

  test('agrees with its teacher more than before', async () => {
    const classifier = await createClassifier(engine, network);
    const measure = await createMeasure(classifier, copyTeacher(network), noise(3, 64));
    const { pruned, student } = await learn(0.9, measure);
    expect(await measure(student)).toBeGreaterThan(await measure(pruned));
  });
});
