import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { decodeModel } from '../converters/read.js';
import { ADAM, createDreamStep, STUDENT } from '../src/dream/dream-step.js';
import { dream } from '../src/dream/dream.js';
import { createInversion, type InversionOptions } from '../src/dream/inversion.js';
import { enlarge, shiftMatrix } from '../src/dream/jitter.js';
import { keepBest, noBest } from '../src/dream/keep-best.js';
import { inversionPreset, LARGE_IMAGES, SMALL_IMAGES, type InversionPreset } from '../src/dream/presets.js';
import { startMoments } from '../src/dream/scales.js';
import { balancedTargets } from '../src/dream/targets.js';
import { toArrays } from '../src/classifier.js';
import type { Engine, Step } from '../src/engine/engine.js';
import { createOnnxRuntimeEngine } from '../src/engine/onnxruntime/index.js';
import { lowering, type Lowering } from '../src/network/lower-at.js';
import { resolvePreprocessing } from '../src/preprocess.js';
import type { ProgressEvent } from '../src/progress.js';
import { createRandom } from '../src/random.js';
import { copyTeacher, replaceWeights } from '../src/student.js';
import { createEagerEngine } from './support/eager-engine.js';
import { encodeTinyTeacher } from './support/tiny-teacher.js';

const model = decodeModel(encodeTinyTeacher());
const lower = lowering(model, {});
const fixed: Lowering = (batch: number, resolution?: readonly number[]) =>
  (resolution === undefined ? lower(batch) : undefined)!;
const preprocessing = resolvePreprocessing('unit', model);
/** The tiny teacher's statistics are of no data; nothing else would matter under the weight for real ones. */
const weights = { ...SMALL_IMAGES.weights, batchNorm: 1, totalVariation: 0.1 };
const TWO = { ...LARGE_IMAGES, jitter: 2, weights };
const options: InversionOptions = { batch: 4, iterations: 6, preset: TWO };
let eager: Engine;
let compiled: Engine;
beforeAll(async () => {
  eager = await createEagerEngine();
  compiled = createOnnxRuntimeEngine({ threads: 1 });
});

describe('targets', () => {
  test.each([
    [10, 64],
    [1000, 64],
    [7, 3],
    [2, 256],
  ])('of %i classes are balanced in each batch of %i, and over all', (classes, batch) => {
    const targets = balancedTargets(classes, batch);
    const all: number[] = [];
    const expectBalanced = (some: readonly number[]) => {
      const counts = Array<number>(classes).fill(0);
      for (const target of some) counts[target]++;
      expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
    };
    for (let index = 0; index < 40; index++) {
      all.push(...targets(index));
      expectBalanced(targets(index));
      expectBalanced(all);
    }
  });

  test('neighbouring classes do not fill a batch of fewer images together', () => {
    const sorted = balancedTargets(1000, 64)(0).toSorted((a, b) => a - b);
    expect(sorted[63] - sorted[0]).toBeGreaterThan(800);
  });
});

test('the family is chosen by the shorter side', () => {
  expect(inversionPreset([1, 3, 32, 32])).toBe(SMALL_IMAGES);
  expect(inversionPreset([1, 3, 64, 512])).toBe(SMALL_IMAGES);
  expect(inversionPreset([1, 3, 224, 224])).toBe(LARGE_IMAGES);
});

test('enlarging repeats the nearest pixels', () => {
  const image = { shape: [1, 1, 2, 2], data: Float32Array.of(1, 2, 3, 4) };
  expect(Array.from(enlarge(image, [1, 1, 3, 3]).data)).toEqual([1, 1, 2, 1, 1, 2, 3, 3, 4]);
});

test('the best iterate is the one before the update whose loss is lowest, the last of equals', async () => {
  // The images are given by the input; so is the loss.
  const follow: Step = (_, { next, loss }) => ({ state: { images: next }, output: { loss } });
  const at = (value: number) => ({ shape: [1, 1, 1, 2], data: Float32Array.of(value, -value) });
  const input = (next: number, loss: number) => ({
    next: at(next),
    loss: { shape: [], data: Float32Array.of(loss) },
  });
  for (const engine of [eager, compiled]) {
    const step = await engine.compile(keepBest(follow), {
      state: { images: at(0), ...noBest(at(0)) },
      input: input(0, 0),
    });
    // Image k has the loss of run k: 5, 2, 3, 2.
    for (const [next, loss] of [[1, 5], [2, 2], [3, 3], [4, 2]]) await step.run(input(next, loss)); // prettier-ignore
    const state = await step.readState();
    expect(Array.from(state['bestImages'].data)).toEqual([3, -3]);
    expect(Array.from(state['bestLoss'].data)).toEqual([2]);
    await step.dispose();
  }
});

describe.each([
  ['a network of the lower resolution', lower, 0],
  // One stage is not tried before the first batch.
  ['a teacher of one resolution', fixed, 1],
])('two resolutions, with %s', (_, lowered, untold) => {
  test('give images of the full one whose loss is below that of noise, with the time left', async () => {
    const events: ProgressEvent[] = [];
    const inversion = await createInversion(
      compiled,
      lowered,
      preprocessing,
      { ...options, iterations: 30 },
      createRandom(0),
      { onProgress: (event) => events.push(event) },
    );
    const { images, targets, terms, logits } = await inversion.dream(1, { before: 30, steps: 60 });
    await inversion.dispose();
    expect(images.shape).toEqual([4, 3, 8, 8]);
    expect(logits.shape).toEqual([4, 4]);
    expect(targets.toSorted()).toEqual([0, 1, 2, 3]);
    expect(events.map(({ step }) => step)).toEqual(Array.from({ length: 30 }, (_, i) => 31 + i));
    expect(events.map(({ secondsLeft }) => secondsLeft! >= 0).indexOf(true)).toBe(untold);
    expect(events.slice(untold).every(({ secondsLeft }) => secondsLeft! >= 0)).toBe(true);
    expect(events.at(-1)!.secondsLeft).toBe(0);
    expect(terms['loss']).toBeLessThan(events[0].terms!['loss']);
  });

  test('do the same in the eager engine, from the same seed', async () => {
    const images: Float32Array[] = [];
    for (const engine of [eager, compiled]) {
      const made = await dream(engine, lowered, preprocessing, { ...options, count: 4 }, createRandom(3));
      images.push(made.images.data);
    }
    images[0].forEach((x, i) => {
      expect(Math.abs(x - images[1][i])).toBeLessThan(0.02);
    });
  });
});

test.each<[string, Lowering, Partial<InversionOptions>]>([
  ['images of a teacher of one resolution', fixed, {}],
  ['procedural images', lower, { start: 'procedural' }],
])('%s of small size are made at its own alone', async (_, lowered, start) => {
  const make = (courses: InversionPreset['courses'], seen: Lowering) => {
    const preset = { ...SMALL_IMAGES, weights, courses };
    const all = { ...options, ...start, preset, count: 4, iterations: 8 };
    return dream(compiled, seen, preprocessing, all, createRandom(3));
  };
  const { noise, procedural } = SMALL_IMAGES.courses;
  const whole = { noise: { ...noise, resolutions: [] }, procedural };
  expect(await make(SMALL_IMAGES.courses, lowered)).toEqual(await make(whole, lower));
});

test('images from noise are made at three resolutions', async () => {
  const sizes = new Set<string>();
  const watched = ((batch: number, resolution?: readonly [number, number]) => {
    if (resolution) sizes.add(resolution.join());
    return resolution ? lower(batch, resolution) : lower(batch);
  }) as Lowering;
  const made = (seen: Lowering) =>
    dream(
      compiled,
      seen,
      preprocessing,
      { ...options, preset: SMALL_IMAGES, count: 4, iterations: 8 },
      createRandom(3),
    );
  expect((await made(watched)).images).not.toEqual((await made(fixed)).images);
  expect([...sizes]).toEqual(['2,2', '4,4']);
});

test('batches depend on the seed and their index alone, and batches are no larger than the preset allows', async () => {
  const random = createRandom(5);
  const made: Float32Array[] = [];
  for (const order of [
    [0, 1],
    [1, 0],
  ]) {
    const small = { ...options, batch: 64, preset: { ...TWO, batch: 4 } };
    const inversion = await createInversion(compiled, lower, preprocessing, small, random);
    expect(inversion.batch).toBe(4);
    for (const index of order) made.push((await inversion.dream(index)).images.data);
    await inversion.dispose();
  }
  expect(made[0]).toEqual(made[3]);
  expect(made[1]).toEqual(made[2]);
  expect(made[0]).not.toEqual(made[1]);
});

test('without labels, images become sure of different classes, which are their targets', async () => {
  const file = new URL('../fixtures/teachers/resnet8-torchscript.onnx', import.meta.url);
  const teacher = decodeModel(readFileSync(file));
  const entropies: number[] = [];
  const inversion = await createInversion(
    compiled,
    lowering(teacher, {}),
    resolvePreprocessing('cifar10', teacher),
    { batch: 10, iterations: 40, targets: 'entropy' },
    createRandom(0),
    { onProgress: ({ terms }) => entropies.push(terms!['entropy']) },
  );
  const { targets, logits, terms } = await inversion.dream(0);
  await inversion.dispose();
  const rows = Array.from({ length: 10 }, (_, i) => Array.from(logits.data.subarray(10 * i, 10 * i + 10)));
  expect(targets).toEqual(rows.map((row) => row.indexOf(Math.max(...row))));
  expect(new Set(targets).size).toBeGreaterThan(5);
  expect(terms['crossEntropy']).toBeUndefined();
  expect(terms['entropy']).toBeLessThan(0.5 * entropies[0]);
});

describe('adaptive', () => {
  const network = lower(4);
  const teacher = copyTeacher(network);
  const zero = new Map(['linear.weight'].map((name) => [name, new Float32Array(64)]));
  const ignorant = replaceWeights(teacher, zero);

  test('asks for the student before each batch, and its images set it apart from the teacher', async () => {
    const students = [teacher, ignorant];
    let asked = 0;
    const dreamWith = async (competition: number) => {
      const preset = { ...SMALL_IMAGES, weights: { ...weights, competition } };
      const student = () => students[Math.min(asked++, 1)];
      const inversion = await createInversion(
        compiled,
        lower,
        preprocessing,
        { batch: 4, iterations: 20, preset, student },
        createRandom(0),
      );
      asked = 0;
      const terms = [(await inversion.dream(0)).terms, (await inversion.dream(0)).terms];
      await inversion.dispose();
      expect(asked).toBe(2);
      return terms.map(({ competition: value }) => value);
    };
    const [same, apart] = await dreamWith(0);
    // No image can set a student apart that is its teacher.
    expect(same).toBeCloseTo(1, 5);
    expect(apart).toBeLessThan(1);
    expect((await dreamWith(100))[1]).toBeLessThan(apart - 0.01);
  });

  test('its gradient is that of finite differences, through both networks', async () => {
    const shape = network.input.shape;
    const data = createRandom(4).gaussian(4 * 3 * 64);
    const rival = replaceWeights(teacher, new Map([['linear.weight', createRandom(9).gaussian(64)]]));
    const weights = { crossEntropy: 0, batchNorm: 0, totalVariation: 0, l2: 0, competition: 1000 };
    const students = Object.entries(toArrays(network, rival.weights));
    const constants = Object.fromEntries(students.map(([name, array]) => [STUDENT + name, array]));
    const input = {
      targets: { shape: [4, 4], data: new Float32Array(16) },
      learningRate: { shape: [], data: Float32Array.of(0) },
      rows: shiftMatrix(8, 1),
      columns: shiftMatrix(8, -1, true),
    };
    const state = (images: Float32Array) => ({
      images: { shape, data: images },
      ...startMoments(shape),
      ...constants,
    });
    const step = await eager.compile(createDreamStep(network, preprocessing, weights, { adaptive: true }), {
      state: state(data),
      input,
    });
    const lossAt = async (images: Float32Array) => {
      await step.writeState(state(images));
      return (await step.run(input))['loss'].data[0];
    };
    await lossAt(data);
    const gradient = (await step.readState())['first:0'].data.map((x) => x / (1 - ADAM.beta1));
    const length = Math.hypot(...gradient);
    expect(length).toBeGreaterThan(1);
    const along = (h: number) => lossAt(data.map((x, i) => x + (h * gradient[i]) / length));
    const measured = ((await along(0.02)) - (await along(-0.02))) / 0.04;
    expect(Math.abs(measured / length - 1)).toBeLessThan(0.01);
  });
});
