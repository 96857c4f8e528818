import { expect, test } from 'vitest';
import { decodeModel } from '../converters/read.js';
import { createProceduralSource } from '../src/dream/procedural/procedural-images.js';
import { createOnnxRuntimeEngine } from '../src/engine/onnxruntime/index.js';
import { lowerModel } from '../src/network/lower.js';
import { resolvePreprocessing } from '../src/preprocess.js';
import { createRandom } from '../src/random.js';
import { createRunRecord } from '../src/run-record.js';
import { copyTeacher } from '../src/student.js';
import { trainAsItIs } from '../src/trainee.js';
import { makeImages } from '../src/training-images.js';
import { encodeTinyTeacher } from './support/tiny-teacher.js';
import { TINY_PRESET } from './support/tiny-preset.js';

const model = decodeModel(encodeTinyTeacher());
const network = lowerModel(model, { batch: 8 });
const preprocessing = resolvePreprocessing('unit', model);
const { dream, generator, companions } = TINY_PRESET;

test('beside a generator a share of every batch is procedural images, all of them new', async () => {
  const images = await makeImages(
    createOnnxRuntimeEngine({ threads: 1 }),
    { ...trainAsItIs({ model, network }), preprocessing, synthesis: 'generator' },
    { dreams: null, calibration: null },
    {
      preset: { ...TINY_PRESET, procedural: 1 / 4 },
      plan: { dream, generator, companions, steps: 1 },
      dryRun: false,
    },
    createRandom(3),
    createRunRecord({}),
  );
  try {
    const alone = createProceduralSource(
      network.input.shape,
      preprocessing,
      createRandom(3).split('procedural'),
    );
    const seen = new Set<string>();
    for (let i = 0; i < 3; i++) {
      const { shape, data } = await images.source.next(8);
      expect(shape).toEqual(network.input.shape);
      const expected = (await alone.next(2)).data;
      expect(data.slice(-expected.length)).toEqual(expected);
      const size = data.length / 8;
      for (let k = 0; k < 8; k++) seen.add(data.slice(k * size, (k + 1) * size).join());
    }
    expect(seen.size).toBeGreaterThan(3 * 2 + 3);
    await images.source.follow!(copyTeacher(network));
    expect((await images.source.next(8)).data).not.toContain(NaN);
  } finally {
    await images.dispose!();
  }
});
