import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { createClassifier, measureAgreement } from '../src/classifier.js';
import { createDreamSource } from '../src/dream/dream-source.js';
import type { ImageSource } from '../src/dream/image-source.js';
import type { Arrays, Engine, HostTensor } from '../src/engine/engine.js';
import { prune } from '../src/prune/prune.js';
import { createRandom } from '../src/random.js';
import {
  createDistilStep,
  distilState,
  weightsOf,
  type DistilStepOptions,
} from '../src/recover/distil-step.js';
import { createMeasure, distil, type DistilOptions } from '../src/recover/distil.js';
import { distillationLoss } from '../src/recover/losses.js';
import { reestimateStatistics } from '../src/recover/statistics.js';
import { copyTeacher, measureSparsity, replaceWeights } from '../src/student.js';
import { createEagerEngine, toTensors } from './support/eager-engine.js';
import { createTinyNetwork } from './support/tiny-network.js';

const BATCH = 8;
const network = createTinyNetwork(BATCH);
const pruned = prune(network, { sparsity: 0.6 });
let engine: Engine;
beforeAll(async () => {
  engine = await createEagerEngine();
});

/** Noise whose mean and contrast differ from image to image and channel to channel. */
function noise(seed: number, count = BATCH): HostTensor {
  const random = createRandom(seed);
  const [means, contrasts] = [random.gaussian(3 * count), random.gaussian(3 * count)];
  const data = random
    .gaussian(count * 192)
    .map((x, i) => x * contrasts[Math.floor(i / 64)] + 2 * means[Math.floor(i / 64)]);
  return { shape: [count, 3, 8, 8], data };
}
const input = (images: HostTensor, learningRate = 0): Arrays => ({
  images,
  learningRate: { shape: [], data: Float32Array.of(learningRate) },
});

describe('distillation loss', () => {
  test('is T^2 times the divergence of the softened distributions', () => {
    const [teacher, student] = [
      [2, -1, 0.5],
      [0.3, 0.2, -2],
    ];
    const soften = (logits: number[]) => {
      const powers = logits.map((x) => Math.exp(x / 3));
      return powers.map((x) => x / powers.reduce((sum, y) => sum + y));
    };
    const [p, q] = [soften(teacher), soften(student)];
    const expected = 9 * p.reduce((sum, x, i) => sum + x * Math.log(x / q[i]), 0);
    expect(distillationLoss(tf.tensor([teacher]), tf.tensor([student]), 3).dataSync()[0]).toBeCloseTo(
      expected,
      5,
    );
  });

  test('is 0 for equal logits and finite for certain ones', () => {
    const sure = tf.tensor([[200, -200, 0]]);
    expect(distillationLoss(sure, sure, 1).dataSync()[0]).toBe(0);
    expect(distillationLoss(sure, tf.neg(sure), 1).dataSync()[0]).toBeCloseTo(400, 3);
  });
});

describe('distillation step', () => {
  const options: DistilStepOptions = { temperature: 3, features: 0.5, momentum: 0.8, trust: 0.4 };
  const compile = (state: Arrays) =>
    engine.compile(createDistilStep(network, options), { state, input: input(noise(1)) });

  test('its gradients are those of finite differences, for every kind of parameter that it changes', async () => {
    const state = distilState(network, pruned);
    const step = await compile(state);
    await step.run(input(noise(1)));
    const after = await step.readState();
    // From rest the velocity is the gradient; of what is masked it is 0.
    expect(Object.keys(state)).not.toContain('weight:linear.bias');
    for (const name of ['conv1.weight', 'conv2.weight', 'conv1.scale', 'conv2.offset', 'linear.weight']) {
      const gradient = after[`velocity:${name}`].data;
      const length = Math.hypot(...gradient);
      expect(length).toBeGreaterThan(1e-3);
      const lossAt = async (h: number) => {
        const { shape, data } = state[`weight:${name}`];
        const moved = { shape, data: data.map((x, i) => x + (h * gradient[i]) / length) };
        const probe = await compile({ ...state, [`weight:${name}`]: moved });
        return (await probe.run(input(noise(1))))['loss'].data[0];
      };
      const measured = ((await lossAt(0.003)) - (await lossAt(-0.003))) / 0.006;
      expect(Math.abs(measured - length)).toBeLessThan(0.02 * length);
    }
  });

  test('masked weights are exactly 0 after every update, the others move', async () => {
    const step = await compile(distilState(network, pruned));
    for (let i = 0; i < 5; i++) {
      await step.run(input(noise(i), 0.1));
      const weights = weightsOf(await step.readState());
      for (const [name, mask] of pruned.masks) {
        const values = weights.get(name)!;
        expect(
          values.every((value, j) => (mask[j] === 0 ? value === 0 : value !== pruned.weights.get(name)![j])),
        ).toBe(true);
      }
    }
  });

  test('running statistics follow the batch as an exponential average', async () => {
    const step = await compile(distilState(network, pruned));
    await step.run(input(noise(1), 0.1));
    const weights = weightsOf(await step.readState());
    const { values } = network.forward(tf, parametersOf(pruned.weights), toTensors({ x: noise(1) })['x'], {
      batchNorm: 'batch',
    });
    for (const norm of network.batchNorms) {
      const { mean, variance } = tf.moments(values.get(norm.input)!, [0, 2, 3]);
      for (const [name, measured] of [
        [norm.mean, mean],
        [norm.variance, variance],
      ] as const) {
        measured.dataSync().forEach((value: number, c: number) => {
          expect(weights.get(name)![c]).toBeCloseTo(0.9 * pruned.weights.get(name)![c] + 0.1 * value, 5);
        });
      }
    }
  });

  test('the feature term can be left out', async () => {
    const step = await engine.compile(createDistilStep(network, { ...options, features: 0 }), {
      state: distilState(network, pruned),
      input: input(noise(1)),
    });
    expect(Object.keys(await step.run(input(noise(1))))).toEqual(['loss']);
    const whole = await (await compile(distilState(network, pruned))).run(input(noise(1)));
    const { loss, kl, features } = Object.fromEntries(
      Object.entries(whole).map(([k, { data }]) => [k, data[0]]),
    );
    expect(loss).toBeCloseTo(kl + 0.5 * features, 5);
    expect(features).toBeGreaterThan(0);
  });
});

describe('batch-norm re-estimation', () => {
  const fixed = (batches: HostTensor[]): ImageSource => {
    let i = 0;
    return { next: () => Promise.resolve(batches[i++ % batches.length]) };
  };

  test('stores the mean over the batches of the statistics each layer sees', async () => {
    const batches = [noise(1), noise(2), noise(3)];
    const student = await reestimateStatistics(engine, network, pruned, fixed(batches), 3);
    const expected = new Map<string, number[]>();
    for (const batch of batches) {
      const x = toTensors({ batch })['batch'];
      const { values } = network.forward(tf, parametersOf(pruned.weights), x, { batchNorm: 'batch' });
      for (const norm of network.batchNorms) {
        const { mean, variance } = tf.moments(values.get(norm.input)!, [0, 2, 3]);
        const add = (name: string, measured: tf.Tensor) => {
          const sum = expected.get(name) ?? (Array(norm.channels).fill(0) as number[]);
          expected.set(
            name,
            Array.from(measured.dataSync(), (value: number, c) => sum[c] + value / 3),
          );
        };
        add(norm.mean, mean);
        add(norm.variance, variance);
      }
    }
    expect(expected.size).toBe(4);
    for (const [name, values] of expected) {
      values.forEach((value, c) => {
        expect(student.weights.get(name)![c]).toBeCloseTo(value, 4);
      });
    }
  });

  test('changes no weight', async () => {
    const student = await reestimateStatistics(engine, network, pruned, fixed([noise(1)]), 2);
    for (const [name, values] of pruned.weights) {
      const { role } = network.parameters.get(name)!;
      if (role !== 'mean' && role !== 'variance') expect(student.weights.get(name)).toEqual(values);
    }
    expect(student.masks).toBe(pruned.masks);
  });
});

describe('distilling', () => {
  const options: DistilOptions = {
    steps: 60,
    learningRate: 0.05,
    warmUp: 0.1,
    checks: 4,
    temperature: 3,
    features: 0,
    momentum: 0.8,
    trust: 0.4,
  };
  const dreams = { images: noise(5, 64), targets: [] };
  const setUp = async () => {
    const classifier = await createClassifier(engine, network);
    return { measure: await createMeasure(classifier, copyTeacher(network), noise(6, 30)) };
  };

  test('brings a pruned student back towards its teacher, masks held', async () => {
    const { measure } = await setUp();
    const source = createDreamSource(dreams, 1, createRandom(7));
    const start = await reestimateStatistics(engine, network, pruned, source, 8);
    const seen: Record<string, number>[] = [];
    const student = await distil(engine, network, start, source, measure, options, {
      onProgress: ({ terms }) => seen.push(terms!),
    });
    expect(seen).toHaveLength(60);
    expect(seen[59]['loss']).toBeLessThan(0.6 * seen[0]['loss']);
    expect(seen.filter((terms) => 'agreement' in terms)).toHaveLength(4);
    expect(await measure(student)).toBeGreaterThanOrEqual(await measure(start));
    expect(await measure(student)).toBeGreaterThan(await measure(pruned));
    expect(measureSparsity(network, student)).toBe(measureSparsity(network, pruned));
  });

  test('returns the student it was given when learning only makes it worse', async () => {
    const { measure } = await setUp();
    const teacher = copyTeacher(network);
    const source = createDreamSource(dreams, 1, createRandom(7));
    const wild = { ...options, steps: 4, learningRate: 3 };
    const student = await distil(engine, network, teacher, source, measure, wild);
    expect(student).toBe(teacher);
  });

  test('stops when interrupted, and when the loss is not finite', async () => {
    const { measure } = await setUp();
    const source = createDreamSource(dreams, 1, createRandom(7));
    const stopped = { signal: AbortSignal.abort() };
    await expect(distil(engine, network, pruned, source, measure, options, stopped)).rejects.toMatchObject({
      code: 'E_INTERRUPTED',
    });
    const poisoned = replaceWeights(
      pruned,
      new Map([['conv2.offset', Float32Array.of(0, Number.NaN, 0, 0, 0)]]),
    );
    await expect(distil(engine, network, poisoned, source, measure, options)).rejects.toMatchObject({
      code: 'E_NONFINITE',
      message: expect.stringContaining("a value of 'conv2.offset' was already NaN to begin with") as string,
    });
  });
});

describe('classifier', () => {
  test('gives the logits of any number of images, in order', async () => {
    const classifier = await createClassifier(engine, network);
    const images = noise(8, 19);
    const { logits } = network.forward(tf, {}, toTensors({ images })['images']);
    const measured = await classifier.logits(copyTeacher(network), images);
    expect(measured.shape).toEqual([19, 3]);
    logits.dataSync().forEach((value: number, i: number) => {
      expect(measured.data[i]).toBeCloseTo(value, 5);
    });
  });

  test('agreement is the share of equal top classes', () => {
    const a = { shape: [4, 2], data: Float32Array.of(1, 2, 3, 0, 0, 1, 5, 4) };
    const b = { shape: [4, 2], data: Float32Array.of(0, 9, 1, 2, 0, 1, 1, 0) };
    expect(measureAgreement(a, b)).toBe(0.75);
  });
});

function parametersOf(weights: ReadonlyMap<string, Float32Array>): Record<string, tf.Tensor> {
  return Object.fromEntries(
    Array.from(weights, ([name, data]) => [name, tf.tensor(data, [...network.parameters.get(name)!.dims])]),
  );
}
