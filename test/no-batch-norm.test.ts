import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { encodeModel } from '../converters/encode.js';
import { readModel } from '../converters/read.js';
import { encodeNpy } from '../src/npy.js';
import { recoverModel, type RecoverOptions } from '../src/recover-model.js';
import { createRandom } from '../src/random.js';
import { linearModel } from './support/models.js';
import { TINY_PRESET } from './support/tiny-preset.js';

const FOLDED = new URL('../fixtures/teachers/resnet8-folded.onnx', import.meta.url).pathname;
const OPTIONS: RecoverOptions = { preset: TINY_PRESET, preprocess: 'cifar10', sparsity: 0.8 };

let folder: string;
let output: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'onnx-dfkd-'));
  output = join(folder, 'student.onnx');
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

const sha256 = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex');

describe('models without batch norm', () => {
  const notes: string[] = [];
  const options: RecoverOptions = { ...OPTIONS, onNote: (note) => notes.push(note) };
  beforeEach(() => {
    notes.length = 0;
  });

  test('learn from procedural images; a note says what is lost and how to export', async () => {
    const result = await recoverModel(FOLDED, output, options);
    expect(result.stages.map(({ name }) => name)).toEqual([
      ...['read', 'calibrate', 'plan', 'prune', 'match', 'reconstruct', 'distil', 'write'],
    ]);
    expect(notes.join()).toMatch(/folded .* procedural images .*--calib/);
    expect(notes.join()).toContain('dynamo=True, optimize=False');
    expect(notes.join()).toContain('TrainingMode.PRESERVE');
    expect(result.details.notes).toEqual(notes);
    expect(result.sparsity.achieved).toBeCloseTo(0.8, 4);
    expect(result.agreement.recovered).toBeGreaterThanOrEqual(result.agreement.pruned!);

    const [teacher, student] = [await readModel(FOLDED), await readModel(output)];
    expect(student.graph.nodes).toEqual(teacher.graph.nodes);
    expect([...student.graph.initializers.keys()]).toEqual([...teacher.graph.initializers.keys()]);
  });

  test("dream, and learn from a user's images, where there are some", async () => {
    const calibration = join(folder, 'images.npy');
    const data = Uint8Array.from(createRandom(5).gaussian(40 * 3072), (x) => 128 + 50 * x);
    writeFileSync(calibration, encodeNpy({ type: 'uint8', shape: [40, 3, 32, 32], data }));
    const run = async (seed: number) => {
      const result = await recoverModel(FOLDED, output, { ...options, calibration, seed, force: true });
      expect(result.stages.map(({ name }) => name)).toEqual([
        ...[
          'read',
          'calibrate',
          'plan',
          'companions',
          'dream',
          'prune',
          'match',
          'reconstruct',
          'distil',
          'write',
        ],
      ]);
      return sha256(output);
    };
    expect(await run(1)).toBe(await run(1));
    expect(notes.join()).toContain(`measured on the images of '${calibration}'`);
  });

  test('features are no images to draw', async () => {
    const path = join(folder, 'features.onnx');
    writeFileSync(path, encodeModel(linearModel()));
    await expect(recoverModel(path, output, { ...options, preprocess: 'auto' })).rejects.toMatchObject({
      code: 'E_UNSUPPORTED',
      message: expect.stringMatching(/^Input 'x' is \[N, 2\]; images/),
    });
  });

  test('a dry run writes nothing, and so does one whose images cannot be read', async () => {
    await recoverModel(FOLDED, output, { ...options, dryRun: true });
    const calibration = join(folder, 'none');
    const run = recoverModel(FOLDED, output, { ...options, calibration });
    await expect(run).rejects.toMatchObject({ code: 'E_IO' });
    expect(readdirSync(folder)).toEqual([]);
  });

  test.each(['squeezenet-torchscript-17', 'convnext-torchscript-11', 'mlp-dynamo-26'])(
    '%s goes through',
    async (name) => {
      const path = new URL(`../fixtures/families/${name}.onnx`, import.meta.url).pathname;
      const result = await recoverModel(path, output, options);
      expect(result.sparsity.achieved).toBeCloseTo(0.8, 2);
      expect(readdirSync(folder)).toEqual(['student.onnx']);
    },
  );
});
