import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { pairDistance } from '../src/dream/generator/diversity.js';
import { createGenerator } from '../src/dream/generator/generator.js';
import { drawDreams } from '../src/dream/generator/draw-dreams.js';
import { createLiveSource, type LiveSource } from '../src/dream/generator/live-source.js';
import { drawVariation, pairedTargets, pairsOf } from '../src/dream/generator/variation.js';
import { windowMatrix } from '../src/dream/jitter.js';
import type { HostTensor } from '../src/engine/engine.js';
import { createOnnxRuntimeEngine } from '../src/engine/onnxruntime/index.js';
import type { Preprocessing } from '../src/preprocess.js';
import { createRandom } from '../src/random.js';
import { copyTeacher, replaceWeights } from '../src/student.js';
import { createEagerEngine, toTensors } from './support/eager-engine.js';
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
  weights: { crossEntropy: 2, batchNorm: 20, diversity: 5, adversarial: 1 },
  learningRate: 1e-2,
  warmUp: 100,
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
    const parameters = toTensors(generator.parameters);
    const targets = Array.from({ length: shape[0] }, (_, i) => i);
    const variation = toTensors(drawVariation(targets, { classes, channels: 3 }, createRandom(1)));
    return { generator, image: generator.draw(parameters, variation) };
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

describe('what images are drawn from', () => {
  test.each([
    [2, 8],
    [100, 12],
    [3, 1],
  ])(
    'of %i classes, in batches of %i: each has a partner of its class, and all come as often',
    (classes, batch) => {
      const targetsOf = pairedTargets(classes, batch);
      const pairs = pairsOf(batch);
      const seen = Array.from({ length: classes }, () => 0);
      for (let index = 0; index < 300; index++) {
        const targets = targetsOf(index);
        expect(targets).toHaveLength(batch);
        expect(targets.slice(0, pairs)).toEqual(targets.slice(batch - pairs));
        for (const target of targets) seen[target]++;
      }
      expect(Math.max(...seen) / Math.min(...seen)).toBeLessThan(1.2);
    },
  );

  test('differs from image to image in light and contrast', () => {
    const { contrast, light, targets } = drawVariation(
      [1, 0, 1],
      { classes: 2, channels: 3 },
      createRandom(0),
    );
    expect([...targets.data]).toEqual([0, 1, 1, 0, 0, 1]);
    expect(new Set(contrast.data).size).toBe(3);
    expect(contrast.data.every((factor) => factor > 0)).toBe(true);
    expect(new Set(light.data).size).toBe(9);
  });
});

describe('the distance of pairs', () => {
  /** Half the mean squared difference over the stored variance, per channel of the batch norm's input. */
  const expectedOf = (values: (name: string) => tf.Tensor, pairs: number) => {
    const layers = network.batchNorms.map(({ input, variance, epsilon, channels }) => {
      const x = values(input);
      const [batch, , height, width] = x.shape;
      const data = x.dataSync();
      const at = (n: number, c: number, p: number) => data[(n * channels + c) * height * width + p];
      const terms = Array.from(network.parameters.get(variance)!.data, (stored, c) => {
        let sum = 0;
        for (let i = 0; i < pairs; i++) {
          for (let p = 0; p < height * width; p++) sum += (at(i, c, p) - at(i + batch - pairs, c, p)) ** 2;
        }
        const ratio = (sum / (2 * pairs * height * width) + epsilon) / (stored + epsilon);
        return (ratio - 1 - Math.log(ratio)) / 2;
      });
      return terms.reduce((a, b) => a + b, 0) / channels;
    });
    return layers.reduce((a, b) => a + b, 0) / layers.length;
  };

  test('is the divergence of their differences from the stored variance', () => {
    const images = tf.tensor(createRandom(2).gaussian(BATCH * 192), [BATCH, 3, 8, 8]);
    const activations = network.forward(tf, {}, images);
    const expected = expectedOf((name) => activations.values.get(name)!, 6);
    expect(pairDistance(network, activations, 6).dataSync()[0]).toBeCloseTo(expected, 4);
  });

  test.each([6, 5])('of %d pairs has the gradient of its definition', (pairs) => {
    const images = tf.tensor(createRandom(2).gaussian(BATCH * 192), [BATCH, 3, 8, 8]);
    const defined = (x: tf.Tensor) => {
      const { values } = network.forward(tf, {}, x);
      const layers = network.batchNorms.map(({ input, variance, epsilon }) => {
        const value = values.get(input)!;
        const part = (from: number) => tf.slice(value, [from, 0, 0, 0], [pairs, -1, -1, -1]);
        const difference = tf.sub(part(0), part(BATCH - pairs));
        const halved = tf.mul(tf.mean(tf.square(difference), [0, 2, 3]), 0.5);
        const stored = tf.add(tf.tensor1d([...network.parameters.get(variance)!.data]), epsilon);
        const ratio = tf.div(tf.add(halved, epsilon), stored);
        return tf.mul(tf.mean(tf.sub(tf.sub(ratio, tf.log(ratio)), 1)), 0.5);
      });
      return tf.div<tf.Scalar>(tf.addN(layers), layers.length);
    };
    const wanted = tf.grad(defined)(images).dataSync();
    const found = tf
      .grad((x) => pairDistance(network, network.forward(tf, {}, x), pairs))(images)
      .dataSync();
    const largest = Math.max(...wanted.map(Math.abs));
    expect(largest).toBeGreaterThan(0);
    found.forEach((value, i) => {
      expect(Math.abs(value - wanted[i])).toBeLessThan(1e-4 * largest);
    });
  });

  test('is far larger for a picture drawn again and again', () => {
    const one = tf.tensor(createRandom(2).gaussian(6 * 192), [6, 3, 8, 8]);
    const distance = (second: tf.Tensor) =>
      pairDistance(network, network.forward(tf, {}, tf.concat([one, second])), 6).dataSync()[0];
    const other = tf.tensor(createRandom(3).gaussian(6 * 192), [6, 3, 8, 8]);
    expect(distance(one)).toBeGreaterThan(3 * distance(other));
    expect(Number.isFinite(distance(one))).toBe(true);
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
