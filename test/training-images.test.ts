import { expect, test } from 'vitest';
import { decodeModel } from '../converters/read.js';
import { createProceduralSource } from '../src/dream/procedural/procedural-images.js';
import type { HostTensor } from '../src/engine/engine.js';
import { createOnnxRuntimeEngine } from '../src/engine/onnxruntime/index.js';
import { lowerModel } from '../src/network/lower.js';
import { resolvePreprocessing } from '../src/preprocess.js';
import type { Preset } from '../src/presets.js';
import { createRandom } from '../src/random.js';
import { createRunRecord } from '../src/run-record.js';
import { copyTeacher } from '../src/student.js';
import { trainAsItIs } from '../src/trainee.js';
import { makeImages, type TrainingImages } from '../src/training-images.js';
import { encodeTinyTeacher } from './support/tiny-teacher.js';
import { TINY_PRESET } from './support/tiny-preset.js';

const model = decodeModel(encodeTinyTeacher());
const network = lowerModel(model, { batch: 8 });
const preprocessing = resolvePreprocessing('unit', model);

/** From a generator and what goes with it. */
function generated(preset: Preset): Promise<TrainingImages> {
  const { dream, generator, companions } = preset;
  return makeImages(
    createOnnxRuntimeEngine({ threads: 1 }),
    { ...trainAsItIs({ model, network }), preprocessing, synthesis: 'generator' },
    { dreams: null, calibration: null },
    { preset, plan: { dream, generator, companions, steps: 1 }, dryRun: false },
    createRandom(3),
    createRunRecord({}),
  );
}

test('beside a generator a share of every batch is procedural images, a quarter of them new', async () => {
  const images = await generated({ ...TINY_PRESET, procedural: 1 / 2 });
  try {
    const alone = createProceduralSource(
      network.input.shape,
      preprocessing,
      createRandom(3).split('procedural'),
    );
    const drawn = new Set<string>();
    const seen = new Set<string>();
    for (let i = 0; i < 6; i++) {
      const batch = await images.source.next(8);
      expect(batch.shape).toEqual(network.input.shape);
      const fresh = known((await alone.next(1)).data);
      drawn.add(fresh);
      const procedural = each(batch).slice(4).map(known);
      expect(procedural[0]).toBe(fresh);
      for (const image of procedural) expect(drawn).toContain(image);
      for (const image of each(batch)) seen.add(image.join());
    }
    expect(drawn.size).toBe(6);
    // Most come again, but moved.
    expect(seen.size).toBeGreaterThan(6 * 4 + 6 + 6);
    await images.source.follow!(copyTeacher(network));
    expect((await images.source.next(8)).data).not.toContain(NaN);
  } finally {
    await images.dispose!();
  }
});

test('some of each kind are measured on, and not learnt from', async () => {
  // Companions alone, so that soon all of them have been handed out; not moved, so that each can be known again.
  const images = await generated({
    ...TINY_PRESET,
    companions: { batches: 3, iterations: 1, start: 'procedural', share: 1 },
    procedural: 0,
    generator: { ...TINY_PRESET.generator, batch: 8, measured: 5, shift: 0 },
  });
  try {
    const measured = each(images.measuring);
    // Of 24 companions a sixth; of the others as many as asked for.
    expect(measured).toHaveLength(5 + 5 + 4);
    const fresh = createProceduralSource(
      network.input.shape,
      preprocessing,
      createRandom(3).split('hold out procedural'),
    );
    expect(measured.slice(5, 10)).toEqual(each(await fresh.next(5)));
    const learnt = new Set<string>();
    for (let i = 0; i < 12; i++)
      for (const image of each(await images.source.next(8))) learnt.add(known(image));
    expect(learnt.size).toBe(20);
    for (const image of measured) expect(learnt).not.toContain(known(image));
  } finally {
    await images.dispose!();
  }
});

/** What an image and its mirror image have in common. */
const known = (image: Float32Array): string => image.toSorted().join();

function each({ shape, data }: HostTensor): Float32Array[] {
  const size = data.length / shape[0];
  return Array.from({ length: shape[0] }, (_, i) => data.slice(i * size, (i + 1) * size));
}
