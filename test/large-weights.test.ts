import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { encodeModel } from '../converters/encode.js';
import { createRandom } from '../src/random.js';
import { recoverModel, type RecoverOptions } from '../src/recover-model.js';
import { TINY_PRESET } from './support/tiny-preset.js';
import { tinyTeacherSpec } from './support/tiny-teacher.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'onnx-dfkd-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

test('a model whose weights are too many for the memory allowed is refused before the work, pruning alone is not', async () => {
  const spec = tinyTeacherSpec();
  const wide = 2048;
  const data = createRandom(1).gaussian(wide * wide);
  const [teacher, output] = [join(folder, 'wide.onnx'), join(folder, 'student.onnx')];
  const nodes = spec.nodes.slice(0, -1);
  writeFileSync(
    teacher,
    encodeModel({
      ...spec,
      nodes: [
        ...nodes,
        { opType: 'Gemm', inputs: ['flat', 'in.weight'], outputs: ['in'] },
        { opType: 'Gemm', inputs: ['in', 'wide.weight'], outputs: ['wide'] },
        { opType: 'Gemm', inputs: ['wide', 'out.weight'], outputs: ['logits'] },
      ],
      initializers: new Map([
        ...[...spec.initializers].filter(([name]) => !name.startsWith('linear')),
        ['in.weight', { type: 'float', dims: [16, wide], data: data.slice(0, 16 * wide) }],
        ['wide.weight', { type: 'float', dims: [wide, wide], data: data.map((x) => x / 50) }],
        ['out.weight', { type: 'float', dims: [wide, 4], data: data.slice(0, 4 * wide).map((x) => x / 50) }],
      ]),
    }),
  );
  // 16.9 MB of weights, held 14 times and 7.5 times.
  const options: RecoverOptions = { preset: TINY_PRESET, preprocess: 'unit', maxMemory: 180e6 };
  await expect(recoverModel(teacher, output, options)).rejects.toMatchObject({
    code: 'E_LIMIT',
    message: expect.stringMatching(
      /^The work on the weights would need 2\d\d MiB of memory; 172 MiB are allowed/,
    ),
  });
  expect(readdirSync(folder)).toEqual(['wide.onnx']);
  await recoverModel(teacher, output, { ...options, recover: false });
  expect(readdirSync(folder).sort()).toEqual(['student.onnx', 'wide.onnx']);
});
