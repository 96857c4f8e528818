import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { moveImage } from '../src/dream/dream-source.js';
import { ADAM, createDreamStep } from '../src/dream/dream-step.js';
import { dream, type DreamOptions } from '../src/dream/dream.js';
import { shiftMatrix } from '../src/dream/jitter.js';
import { naturalNoise } from '../src/dream/noise.js';
import { crossEntropy } from '../src/dream/losses.js';
import { SMALL_IMAGES } from '../src/dream/presets.js';
import { startMoments } from '../src/dream/scales.js';
import type { Arrays, Engine, HostTensor } from '../src/engine/engine.js';
import type { Preprocessing } from '../src/preprocess.js';
import { createRandom } from '../src/random.js';
import { createEagerEngine, toTensors } from './support/eager-engine.js';
import { createTinyNetwork } from './support/tiny-network.js';

const BATCH = 6;
const network = createTinyNetwork(BATCH);
const preprocessing: Preprocessing = {
  name: 'test',
  channels: 3,
  scale: [1.1, 0.9, 1.2],
  offset: [0.1, -0.2, 0.05],
  range: { low: -1.8, high: 2.2 },
};
const lower = () => network;
const weights = { crossEntropy: 1, batchNorm: 1, totalVariation: 0.01, l2: 0.001 };
const courses = {
  ...SMALL_IMAGES.courses,
  noise: { ...SMALL_IMAGES.courses.noise, learningRate: 0.05, resolutions: [] },
};
const preset = { ...SMALL_IMAGES, courses, weights };
const options: DreamOptions = { batch: BATCH, count: 2 * BATCH, iterations: 40, preset };
let engine: Engine;
beforeAll(async () => {
  engine = await createEagerEngine();
});

const image = (seed: number, shape: readonly number[] = network.input.shape): HostTensor => ({
  shape,
  data: createRandom(seed).gaussian(shape.reduce((product, size) => product * size, 1)),
});
const scalar = (x: tf.Tensor) => x.dataSync()[0];

describe('jitter', () => {
  const multiply = (rows: HostTensor, x: number[][], columns: HostTensor) =>
    tf
      .matMul(
        tf.matMul(tf.tensor2d(rows.data, [3, 3]), tf.tensor2d(x)),
        tf.tensor2d(columns.data, [4, 4]),
        false,
        true,
      )
      .arraySync() as number[][];

  const original = [
    [1, 2, 3, 4],
    [5, 6, 7, 8],
    [9, 10, 11, 12],
  ];

  test('shifts circularly, down by 1 and left by 1', () => {
    expect(multiply(shiftMatrix(3, 1), original, shiftMatrix(4, -1))).toEqual([
      [10, 11, 12, 9],
      [2, 3, 4, 1],
      [6, 7, 8, 5],
    ]);
  });

  test('mirrors before it shifts', () => {
    expect(multiply(shiftMatrix(3, 0), original, shiftMatrix(4, 1, true))[0]).toEqual([1, 4, 3, 2]);
  });

  test.each([
    [0, 0, false],
    [2, -2, false],
    [-1, 1, true],
    [-2, 0, true],
  ])('moving an image by %i, %i (mirrored: %s) does the same', (down, across, mirror) => {
    const moved = { shape: [1, 1, 3, 4], data: Float32Array.from(original.flat()) };
    moveImage(moved, 0, down, across, mirror);
    const expected = multiply(shiftMatrix(3, down), original, shiftMatrix(4, across, mirror));
    expect(Array.from(moved.data)).toEqual(expected.flat());
  });
});

describe('noise to begin with', () => {
  const shape = [40, 3, 32, 32];
  const noise = naturalNoise(shape, createRandom(0));
  const differences = (by: number) => {
    let sum = 0;
    for (let i = by; i < noise.length; i++) if (i % 32 >= by) sum += (noise[i] - noise[i - by]) ** 2;
    return sum / ((noise.length * (32 - by)) / 32);
  };

  test('has mean 0 and variance 1', () => {
    const mean = noise.reduce((sum, x) => sum + x, 0) / noise.length;
    const variance = noise.reduce((sum, x) => sum + (x - mean) ** 2, 0) / noise.length;
    expect(Math.abs(mean)).toBeLessThan(0.1);
    expect(Math.abs(variance - 1)).toBeLessThan(0.1);
  });

  test('its neighbours differ less than distant pixels, octave by octave', () => {
    // Of 6 octaves of variance 1/6, block b differs between pixels d apart with probability min(1, d / b).
    for (const d of [1, 2, 4, 8]) {
      const expected = [1, 2, 4, 8, 16, 32].reduce((sum, b) => sum + (2 / 6) * Math.min(1, d / b), 0);
      expect(Math.abs(differences(d) / expected - 1)).toBeLessThan(0.1);
    }
  });

  test('depends on the stream alone', () => {
    expect(naturalNoise(shape, createRandom(0))).toEqual(noise);
    expect(naturalNoise(shape, createRandom(1))).not.toEqual(noise);
  });
});

describe('dream step', () => {
  const input = (learningRate = 0): Arrays => ({
    targets: {
      shape: [BATCH, 3],
      data: Float32Array.from({ length: BATCH * 3 }, (_, i) => (i % 3 === Math.floor(i / 3) % 3 ? 1 : 0)),
    },
    learningRate: { shape: [], data: Float32Array.of(learningRate) },
    rows: shiftMatrix(8, 1),
    columns: shiftMatrix(8, -2, true),
  });
  const start = (images: HostTensor): Arrays => ({ images, ...startMoments(images.shape) });
  const run = async (images: HostTensor, learningRate = 0) => {
    const step = await engine.compile(createDreamStep(network, preprocessing, weights), {
      state: start(images),
      input: input(learningRate),
    });
    const output = await step.run(input(learningRate));
    return { output, state: await step.readState() };
  };

  test('its gradient is that of finite differences', async () => {
    const images = image(2);
    const { state } = await run(images);
    // After one step from 0, Adam's first moment is (1 - beta1) times the gradient.
    const gradient = state['first:0'].data.map((x) => x / (1 - ADAM.beta1));
    const length = Math.hypot(...gradient);
    expect(length).toBeGreaterThan(0.1);

    const directions = [gradient.map((x) => x / length)];
    for (const seed of [3, 4]) {
      const random = image(seed).data.map((x, i) => x + 10 * (gradient[i] / length));
      directions.push(random.map((x) => x / Math.hypot(...random)));
    }
    for (const direction of directions) {
      const lossAt = async (h: number) => {
        const moved = { ...images, data: images.data.map((x, i) => x + h * direction[i]) };
        return (await run(moved)).output['loss'].data[0];
      };
      const slope = direction.reduce((sum, x, i) => sum + x * gradient[i], 0);
      const measured = ((await lossAt(0.02)) - (await lossAt(-0.02))) / 0.04;
      expect(Math.abs(measured - slope)).toBeLessThan(0.01 * Math.abs(slope));
    }
  });

  test('its loss is the weighted sum of its terms', async () => {
    const { output } = await run(image(2));
    const sum = (Object.keys(weights) as (keyof typeof weights)[]).reduce(
      (total, term) => total + weights[term] * output[term].data[0],
      0,
    );
    expect(output['loss'].data[0]).toBeCloseTo(sum, 4);
  });

  test('images are clipped to the valid range, and only where one is known', async () => {
    const { low, high } = preprocessing.range!;
    const clipped = (await run(image(5), 1)).state['images'].data;
    expect(Math.min(...clipped)).toBeCloseTo(low, 6);
    expect(Math.max(...clipped)).toBeCloseTo(high, 6);

    const step = await engine.compile(createDreamStep(network, { ...preprocessing, range: null }, weights), {
      state: start(image(5)),
      input: input(1),
    });
    await step.run(input(1));
    expect(Math.max(...(await step.readState())['images'].data)).toBeGreaterThan(high + 0.1);
  });
});

describe('dreaming', () => {
  test('makes balanced batches that the teacher recognises, in the model input range', async () => {
    const losses: number[] = [];
    const eager = {
      ...options,
      preset: {
        ...preset,
        courses: { ...courses, noise: { ...courses.noise, learningRate: 0.2 } },
        weights: { ...weights, crossEntropy: 10 },
      },
    };
    const { images, targets } = await dream(engine, lower, preprocessing, eager, createRandom(0), {
      onProgress: ({ terms }) => losses.push(terms!['loss']),
    });
    expect(images.shape).toEqual([12, 3, 8, 8]);
    expect(targets.toSorted()).toEqual([0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2]);
    expect(losses).toHaveLength(80);
    for (const last of [39, 79]) expect(losses[last]).toBeLessThan(0.6 * losses[last - 39]);

    const logits = network.forward(tf, {}, toTensors({ images })['images']).logits;
    const noise = network.forward(tf, {}, toTensors({ images: image(9, [12, 3, 8, 8]) })['images']).logits;
    const labels = tf.oneHot(tf.tensor1d([...targets], 'int32'), 3);
    expect(scalar(crossEntropy(logits, labels))).toBeLessThan(0.5 * scalar(crossEntropy(noise, labels)));
    images.data.forEach((x, i) => {
      const c = Math.floor(i / 64) % 3;
      const u = (x - preprocessing.offset[c]) / preprocessing.scale[c];
      if (u < -1.8001 || u > 2.2001) expect.fail(`pixel ${i} is ${u}`);
    });
  });

  test('depends on the seed alone', async () => {
    const short = { ...options, iterations: 3 };
    const once = async (seed: number) =>
      (await dream(engine, lower, preprocessing, short, createRandom(seed))).images.data;
    expect(await once(1)).toEqual(await once(1));
    expect(await once(1)).not.toEqual(await once(2));
  });

  test('stops between two steps when interrupted', async () => {
    const controller = new AbortController();
    const onProgress = ({ step }: { step: number }) => {
      if (step === 5) controller.abort();
      expect(step).toBeLessThanOrEqual(5);
    };
    await expect(
      dream(engine, lower, preprocessing, options, createRandom(0), {
        onProgress,
        signal: controller.signal,
      }),
    ).rejects.toMatchObject({ code: 'E_INTERRUPTED' });
  });

  test('stops at the first loss that is not finite, and names the step', async () => {
    const broken = createTinyNetwork(BATCH);
    broken.parameters.get('linear.bias')!.data[0] = Number.NaN;
    await expect(dream(engine, () => broken, preprocessing, options, createRandom(0))).rejects.toMatchObject({
      code: 'E_NONFINITE',
      message: expect.stringMatching(
        /^The loss turned NaN at dream step 1 of 80: the loss first gave NaN;/,
      ) as string,
    });
  });
});
