import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { layerDistances } from '../src/dream/shards/distance.js';
import { createExaminer } from '../src/dream/shards/examine.js';
import { createQuality } from '../src/dream/shards/quality.js';
import type { Shard } from '../src/dream/shards/shard.js';
import type { HostTensor } from '../src/engine/engine.js';
import { createRandom } from '../src/random.js';
import { tinyPlan, tinyShard } from './support/dream-sets.js';
import { createEagerEngine, toTensors } from './support/eager-engine.js';
import { createTinyNetwork } from './support/tiny-network.js';

describe('what the teacher says of images', () => {
  test('is what it computes, over any number of batches, and the last in part', async () => {
    const engine = await createEagerEngine();
    const network = createTinyNetwork(4);
    const images = { shape: [10, 3, 8, 8], data: createRandom(1).gaussian(10 * 192) };
    const examiner = await createExaminer(engine, network);
    const { logits, features, statistics } = await examiner.examine(images);
    await examiner.dispose();

    // The truth: all images at once, and tfjs' own moments.
    const whole = createTinyNetwork(10);
    const { images: input } = toTensors({ images });
    const { logits: expected, values } = whole.forward(tf, {}, input);
    const close = (actual: HostTensor, truth: tf.Tensor) => {
      expect(actual.shape).toEqual(truth.shape);
      truth.dataSync().forEach((value, i) => {
        expect(actual.data[i]).toBeCloseTo(value, 4);
      });
    };
    close(logits, expected);
    close(features, values.get('pooled')!);

    const distances = layerDistances(statistics);
    whole.batchNorms.forEach((norm, i) => {
      const { mean, variance } = tf.moments(values.get(norm.input)!, [0, 2, 3]);
      const [running, spread] = [norm.mean, norm.variance].map((name) =>
        tf.tensor(whole.parameters.get(name)!.data),
      );
      const ratio = (x: tf.Tensor, y: tf.Tensor) => tf.norm(x).dataSync()[0] / tf.norm(y).dataSync()[0];
      const truth = ratio(tf.sub(mean, running), tf.sqrt(spread)) + ratio(tf.sub(variance, spread), spread);
      expect(distances[i]).toBeCloseTo(truth, 4);
    });
    expect(distances).toHaveLength(2);
  });
});

/** Shards of one plan whose logits and features are given by image. */
function shardOf(index: number, change: Partial<Shard>): Shard {
  return { ...tinyShard(index, tinyPlan({ shards: 2, count: 6 })), ...change };
}

function reportOf(...shards: Shard[]) {
  const quality = createQuality();
  for (const shard of shards) quality.add(shard);
  return quality.report();
}

describe('the quality of a set', () => {
  test('agreement is counted over all and by class', () => {
    const logits = { shape: [3, 3], data: Float32Array.of(9, 0, 0, 9, 0, 0, 0, 0, 9) };
    const right = shardOf(0, { targets: Int32Array.of(0, 1, 2), logits });
    const report = reportOf(right, { ...right, index: 1, targets: Int32Array.of(0, 0, 2) });
    expect(report.count).toBe(6);
    expect(report.agreement).toBe(5 / 6);
    expect(report.classes).toEqual([
      { class: 0, count: 3, agreement: 1 },
      { class: 1, count: 1, agreement: 0 },
      { class: 2, count: 2, agreement: 1 },
    ]);
  });

  test('spread is the mean cosine distance of all pairs of a class, whatever their scale', () => {
    const features = createRandom(3)
      .gaussian(24)
      .map((x) => Math.abs(x));
    const part = (from: number) => ({ shape: [3, 4], data: features.slice(from, from + 12) });
    const shards = [
      shardOf(0, { targets: Int32Array.of(0, 0, 1), features: part(0) }),
      shardOf(1, { targets: Int32Array.of(0, 1, 2), features: part(12) }),
    ];
    const rows = Array.from({ length: 6 }, (_, i) => features.subarray(4 * i, 4 * i + 4));
    const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, x, i) => sum + x * b[i], 0);
    const distance = (i: number, j: number) =>
      1 - dot(rows[i], rows[j]) / Math.sqrt(dot(rows[i], rows[i]) * dot(rows[j], rows[j]));
    const ofFirst = (distance(0, 1) + distance(0, 3) + distance(1, 3)) / 3;
    const expected = (ofFirst + distance(2, 4)) / 2; // class 2 has one image, and no say
    expect(reportOf(...shards).diversity.spread).toBeCloseTo(expected, 6);

    const scaled = shards.map((shard) => ({
      ...shard,
      features: { ...shard.features, data: shard.features.data.map((x) => 1000 * x) },
    }));
    expect(reportOf(...scaled).diversity.spread).toBeCloseTo(expected, 6);
  });

  test('spread is 0 where all images of a class are one, and unmeasured where each class has one', () => {
    const data = Float32Array.of(1, 2, 3, 4, 2, 4, 6, 8, 0.5, 1, 1.5, 2);
    const same = shardOf(0, { targets: Int32Array.of(1, 1, 1), features: { shape: [3, 4], data } });
    expect(reportOf(same).diversity.spread).toBeCloseTo(0, 6);
    expect(reportOf(shardOf(0, {})).diversity.spread).toBeNull();
  });

  test('near-duplicates are images like another of their class but for brightness, contrast and noise', () => {
    const random = createRandom(9);
    const blocks = Array.from({ length: 64 }, () => random.integer(100));
    /** 16 x 16 pixels in blocks of 2 x 2. */
    const image = (f: (block: number, i: number) => number) =>
      Array.from({ length: 256 }, (_, i) => f(blocks[Math.floor(i / 32) * 8 + Math.floor((i % 16) / 2)], i));
    const other = Array.from({ length: 256 }, () => random.integer(256));
    const all = [
      image((block) => block),
      image((block, i) => 0.5 * block + 90 + (i % 3)),
      image((block) => 255 - block),
      other,
      image(() => 77),
      image((block) => block),
    ];
    const plan = tinyPlan({ input: [1, 16, 16], count: 6, shards: 1 });
    const report = reportOf({
      ...tinyShard(0, plan),
      images: { shape: [6, 1, 16, 16], data: Uint8Array.from(all.flat()) },
      // The last is the first one again, in a class of its own.
      targets: Int32Array.of(0, 0, 0, 0, 0, 1),
      logits: { shape: [6, 2], data: new Float32Array(12) },
      features: { shape: [6, 1], data: new Float32Array(6).fill(1) },
    });
    // The first two, and the one of a single colour.
    expect(report.diversity.duplicates).toBe(3 / 6);
  });

  test('statistics are averaged over shards before they are compared', () => {
    const shard = (index: number, deviation: number, square: number) =>
      shardOf(index, {
        statistics: {
          layers: [{ name: 'only', channels: 1 }],
          deviation: Float32Array.of(deviation),
          square: Float32Array.of(square),
          variance: Float32Array.of(4),
          start: Float32Array.of(0.5),
          noise: Float32Array.of(2),
        },
      });
    // Each shard is off by one to its own side; together they have the mean, and a variance of 4 + 1 against 4.
    const report = reportOf(shard(0, 1, 5), shard(1, -1, 5));
    expect(report.bnDistance).toEqual({ start: 0.5, dreams: 0.25, noise: 2 });
    expect(report.batchNorms).toEqual([{ name: 'only', start: 0.5, dreams: 0.25, noise: 2 }]);
  });

  test('curves are the mean over shards', () => {
    const curves = (loss: number[]) => [{ stage: 'dream', steps: [1, 2], terms: { loss } }];
    const report = reportOf(shardOf(0, { curves: curves([4, 2]) }), shardOf(1, { curves: curves([2, 0]) }));
    expect(report.curves).toEqual(curves([3, 1]));
  });

  test('the picture has a row of at most ten for each class', () => {
    const quality = createQuality();
    const images = { shape: [3, 1, 2, 2], data: Uint8Array.from({ length: 12 }, (_, i) => i) };
    quality.add(shardOf(0, { images, targets: Int32Array.of(2, 0, 2) }));
    const { shape, data, columns } = quality.grid();
    expect({ shape, columns }).toEqual({ shape: [4, 1, 2, 2], columns: 2 });
    expect([...data]).toEqual([4, 5, 6, 7, 0, 0, 0, 0, 0, 1, 2, 3, 8, 9, 10, 11]);
  });
});
