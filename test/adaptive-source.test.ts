import { expect, test } from 'vitest';
import { decodeModel } from '../converters/read.js';
import { createAdaptiveSource } from '../src/dream/adaptive-source.js';
import { FOLLOW } from '../src/dream/image-source.js';
import { SMALL_IMAGES } from '../src/dream/presets.js';
import type { HostTensor } from '../src/engine/engine.js';
import { createOnnxRuntimeEngine } from '../src/engine/onnxruntime/index.js';
import { lowering } from '../src/network/lower-at.js';
import { resolvePreprocessing } from '../src/preprocess.js';
import type { ProgressEvent } from '../src/progress.js';
import { createRandom } from '../src/random.js';
import { copyTeacher, replaceWeights } from '../src/student.js';
import { encodeTinyTeacher } from './support/tiny-teacher.js';

const model = decodeModel(encodeTinyTeacher());
const lower = lowering(model, {});
const preprocessing = resolvePreprocessing('unit', model);
const engine = createOnnxRuntimeEngine({ threads: 1 });
const teacher = copyTeacher(lower(4));
const ignorant = replaceWeights(teacher, new Map([['linear.weight', new Float32Array(64)]]));
const OPTIONS = {
  ...{ batch: 4, iterations: 3, preset: SMALL_IMAGES },
  ...{ count: 16, heldOut: 2, shift: 0 },
};

/** The images among `count` drawn, each once, as text. */
async function imagesOf(next: (size: number) => Promise<HostTensor>, count: number): Promise<Set<string>> {
  const { data } = await next(count);
  const plane = data.length / count;
  return new Set(Array.from({ length: count }, (_, i) => data.slice(i * plane, (i + 1) * plane).join()));
}

async function learn(student: typeof teacher, steps = 12 * FOLLOW) {
  const events: ProgressEvent[] = [];
  const control = { onProgress: (event: ProgressEvent) => void events.push(event) };
  const source = await createAdaptiveSource(
    engine,
    lower,
    preprocessing,
    { ...OPTIONS, steps },
    createRandom(0),
    control,
  );
  const known: number[] = [];
  for (let step = 0; step < steps; step += FOLLOW) {
    await source.follow(student);
    known.push(events.length);
  }
  const images = await imagesOf((size) => source.next(size), 200);
  await source.dispose();
  return { source, events, known, images };
}

test('half of the dreams are made before the student learns, the others evenly as it learns, and then no more', async () => {
  const { events, known, source } = await learn(teacher);
  // Two batches of three updates at first; two more, a third and two thirds of the way.
  expect(known).toEqual([6, 6, 6, 9, 9, 9, 9, 12, 12, 12, 12, 12]);
  expect(events.at(-1)).toMatchObject({ stage: 'dream', step: 6, steps: 6 });
  expect(source.measuring.shape).toEqual([2, 3, 8, 8]);
});

test('in few steps several batches are made at a time, and none is left out', async () => {
  const { known } = await learn(teacher, FOLLOW + 1);
  expect(known).toEqual([9, 12]);
});

test('the student learns from both, and what is made against it depends on it', async () => {
  const [same, apart] = [await learn(teacher), await learn(ignorant)];
  // Six and eight images, each as it is and mirrored.
  expect(same.images.size).toBe(28);
  const shared = [...same.images].filter((image) => apart.images.has(image));
  expect(shared).toHaveLength(12);
});
