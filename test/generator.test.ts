import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { createGenerator, LATENT } from '../src/dream/generator/generator.js';
import { drawDreams } from '../src/dream/generator/draw-dreams.js';
import { createLiveSource, type LiveSource } from '../src/dream/generator/live-source.js';
import { windowMatrix } from '../src/dream/jitter.js';
import type { HostTensor } from '../src/engine/engine.js';
import { createOnnxRuntimeEngine } from '../src/engine/onnxruntime/index.js';
import type { Preprocessing } from '../src/preprocess.js';
import { createRandom } from '../src/random.js';
import { copyTeacher, replaceWeights } from '../src/student.js';
import { createEagerEngine } from './support/eager-engine.js';
import { createTinyNetwork } from './support/tiny-network.js';

const BATCH = 12;
const network = createTinyNetwork(BATCH);
const PREPROCESSING: Preprocessing = {
  name: 'test',
  channels: 3,
  scale: [2, 1, 0.5],
  offset: [0.1, 0, -0.1],
  range: { low: -1.5, high: 2 },
};
const OPTIONS = {
  batch: BATCH,
  weights: { crossEntropy: 1, batchNorm: 20, adversarial: 1 },
  learningRate: 1e-2,
  warmUp: 30,
  pool: 3,
  width: 32,
  measured: 0,
  shift: 1,
};
const engine = createOnnxRuntimeEngine({ threads: 1 });
/** What the tests compute themselves is computed by tfjs' pure-JavaScript backend. */
beforeAll(async () => {
  await createEagerEngine();
});

async function withSource<T>(
  use: (source: LiveSource, terms: Record<string, number>[]) => Promise<T>,
  seed = 0,
): Promise<T> {
  const terms: Record<string, number>[] = [];
  const onProgress = (event: { terms?: Readonly<Record<string, number>> }) => terms.push({ ...event.terms });
  const source = await createLiveSource(engine, network, PREPROCESSING, OPTIONS, createRandom(seed), {
    onProgress,
  });
  try {
    return await use(source, terms);
  } finally {
    await source.dispose();
  }
}

/** Mean of -log p(target), in plain arithmetic. */
function crossEntropyOf(logits: Float32Array, targets: readonly number[]): number {
  const classes = logits.length / targets.length;
  const losses = targets.map((target, i) => {
    const row = [...logits.subarray(i * classes, (i + 1) * classes)];
    return Math.log(row.reduce((sum, x) => sum + Math.exp(x), 0)) - row[target];
  });
  return losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
}

const logitsOf = ({ shape, data }: HostTensor, teacher = network): Float32Array =>
  teacher.forward(tf, {}, tf.tensor(data, [...shape])).logits.dataSync() as Float32Array;

describe('a generator', () => {
  const draw = (shape: number[], classes: number) => {
    const generator = createGenerator(shape, classes, PREPROCESSING, 32, createRandom(0));
    const parameters = Object.fromEntries(
      Object.entries(generator.parameters).map(([name, { shape: dims, data }]) => [
        name,
        tf.tensor(data, [...dims]),
      ]),
    );
    const latent = tf.tensor2d(createRandom(1).gaussian(shape[0] * LATENT), [shape[0], LATENT]);
    const targets = tf.oneHot(tf.range(0, shape[0], 1, 'int32'), classes);
    return { generator, image: generator.draw(parameters, latent, tf.cast(targets, 'float32')) };
  };

  test.each([
    [32, 32],
    [33, 57],
    [8, 8],
    [5, 16],
  ])('draws a canvas that covers images of %i x %i, within the valid range', (height, width) => {
    const { generator, image } = draw([2, 3, height, width], 4);
    expect(image.shape).toEqual([2, 3, ...generator.canvas]);
    expect(generator.canvas[0]).toBeGreaterThan(height);
    expect(generator.canvas[1]).toBeGreaterThan(width);
    const [low, high] = [tf.min(image).dataSync()[0], tf.max(image).dataSync()[0]];
    expect(low).toBeGreaterThanOrEqual(-1.5);
    expect(high).toBeLessThanOrEqual(2);
    expect(high - low).toBeGreaterThan(0.5);
  });
});

test('a window matrix takes consecutive elements, mirrored where asked', () => {
  const cut = (mirror: boolean) => {
    const { shape, data } = windowMatrix(3, 5, 1, mirror);
    return [
      ...tf.matMul(tf.tensor2d(data, shape as [number, number]), [[10], [11], [12], [13], [14]]).dataSync(),
    ];
  };
  expect(cut(false)).toEqual([11, 12, 13]);
  expect(cut(true)).toEqual([13, 12, 11]);
});

describe('a live source', () => {
  test('learns: its images come nearer to the statistics and to their classes', () =>
    withSource((source, terms) => {
      const [first, last] = [terms[0], terms.at(-1)!];
      expect(terms).toHaveLength(OPTIONS.warmUp);
      expect(last['batchNorm']).toBeLessThan(0.7 * first['batchNorm']);
      expect(last['crossEntropy']).toBeLessThan(first['crossEntropy']);
      return source.draw(1);
    }));

  test('gives images as the model takes them, of the classes it names', () =>
    withSource(async (source, terms) => {
      const { images, targets } = await source.draw(2 * BATCH);
      expect(images.shape).toEqual([2 * BATCH, 3, 8, 8]);
      expect(targets.filter((target) => target === 0)).toHaveLength((2 * BATCH) / 3);
      images.data.forEach((x, i) => {
        const channel = Math.floor(i / 64) % 3;
        const u = (x - PREPROCESSING.offset[channel]) / PREPROCESSING.scale[channel];
        expect(u).toBeGreaterThanOrEqual(-1.5001);
        expect(u).toBeLessThanOrEqual(2.0001);
      });
      // The classes named are those it learnt to draw: far likelier than others, by our own arithmetic.
      const others = targets.map((target) => (target + 1) % 3);
      const logits = logitsOf(images);
      expect(crossEntropyOf(logits, targets)).toBeLessThan(crossEntropyOf(logits, others));
      expect(terms).toHaveLength(OPTIONS.warmUp);
    }));

  test('the same seed gives the same batches, another seed others', async () => {
    const batch = (seed: number) => withSource(async (source) => [...(await source.next(16)).data], seed);
    const first = await batch(0);
    expect(await batch(0)).toEqual(first);
    expect(await batch(1)).not.toEqual(first);
  });

  test('goes on against the student it is shown', async () => {
    const drawAfter = (scale: number) =>
      withSource(async (source) => {
        const teacher = copyTeacher(network);
        const changed = [...teacher.weights].map(([name, values]): [string, Float32Array] => [
          name,
          name === 'linear.weight' ? values.map((value) => scale * value) : values,
        ]);
        await source.follow(replaceWeights(teacher, new Map(changed)));
        await source.draw(BATCH);
        return [...(await source.draw(BATCH)).images.data];
      });
    const near = await drawAfter(0.9);
    expect(near.every(Number.isFinite)).toBe(true);
    expect(await drawAfter(0.2)).not.toEqual(near);
  });

  test.each([30, 0])('sets images apart to measure on, in a warm-up of %i', async (warmUp) => {
    const terms: unknown[] = [];
    const source = await createLiveSource(
      engine,
      network,
      PREPROCESSING,
      { ...OPTIONS, shift: 0, warmUp, measured: 20 },
      createRandom(0),
      { onProgress: (event) => terms.push(event) },
    );
    expect(terms).toHaveLength(warmUp);
    expect(source.measuring.shape).toEqual([20, 3, 8, 8]);
    const imagesOf = ({ shape: [count], data }: HostTensor) =>
      Array.from({ length: count }, (_, i) => data.slice(i * 192, (i + 1) * 192).join());
    const measuring = new Set(imagesOf(source.measuring));
    // Of 12 drawn at once 6 are taken, none twice, and none is handed out later.
    expect(measuring.size).toBe(20);
    const batches = [await source.next(48), await source.next(48)];
    expect(batches.flatMap(imagesOf).filter((image) => measuring.has(image))).toEqual([]);
    await source.dispose();
  });

  test('is stopped by an interruption', async () => {
    const controller = new AbortController();
    controller.abort();
    const source = createLiveSource(engine, network, PREPROCESSING, OPTIONS, createRandom(0), {
      signal: controller.signal,
    });
    await expect(source).rejects.toThrow(/interrupted/i);
  });
});

describe('drawn dreams', () => {
  const SURE = { ...OPTIONS, warmUp: 100, weights: { ...OPTIONS.weights, batchNorm: 1 } };
  /** A teacher that sees each of its classes in some image. */
  const able = createTinyNetwork(BATCH, 3);
  const draw = (count: number, first = 0) =>
    drawDreams(engine, able, PREPROCESSING, { ...SURE, count, first }, createRandom(0));

  test('show the classes asked for, as many of each, to the teacher itself', async () => {
    const { images, targets } = await draw(30);
    expect(images.shape).toEqual([30, 3, 8, 8]);
    for (const label of [0, 1, 2]) expect(targets.filter((target) => target === label)).toHaveLength(10);
    // Our own arithmetic names the classes; batches of the network's own size.
    for (let start = 0; start + BATCH <= 30; start += BATCH) {
      const batch = { shape: [BATCH, 3, 8, 8], data: images.data.slice(start * 192, (start + BATCH) * 192) };
      const logits = logitsOf(batch, able);
      targets.slice(start, start + BATCH).forEach((target, i) => {
        const row = [...logits.slice(3 * i, 3 * i + 3)];
        expect(row.indexOf(Math.max(...row))).toBe(target);
      });
    }
  });

  test('continue the order of the classes', async () => {
    const [all, part] = [await draw(8), await draw(3, 5)];
    expect(part.targets).toEqual(all.targets.slice(5));
  });
});
