import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { decodeShard } from '../src/dream/shards/shard.js';
import { makeDreams } from '../src/make-dreams.js';
import { encodeNpy } from '../src/npy.js';
import { recoverModel } from '../src/recover-model.js';
import { TINY_DREAMS, useDreamFolder } from './support/dream-sets.js';
import { failure } from './support/failure.js';
import { TINY_PRESET } from './support/tiny-preset.js';

const { path, sha256 } = useDreamFolder();

const make = (name: string) => makeDreams(path('teacher.onnx'), path(name), TINY_DREAMS);

describe('the main job on stored dreams', () => {
  const recover = (dreams: string, options = {}) =>
    recoverModel(path('teacher.onnx'), path('student.onnx'), {
      preset: { ...TINY_PRESET, heldOut: 4, dream: { ...TINY_PRESET.dream, batch: 6 } },
      preprocess: 'cifar10',
      dreams: path(dreams),
      ...options,
    });
  const npy = (name: string, shape: number[]) => {
    const size = shape.reduce((product, dim) => product * dim, 1);
    const data = Uint8Array.from({ length: size }, (_, i) => (i * 37) % 256);
    writeFileSync(path(name), encodeNpy({ type: 'uint8', shape, data }));
  };

  test('learns from a set, and makes no dreams', async () => {
    await make('set');
    const stages = new Set<string>();
    const result = await recover('set', { onProgress: ({ stage }: { stage: string }) => stages.add(stage) });
    expect(stages).toEqual(new Set(['statistics', 'reconstruct', 'distil']));
    expect(result.agreement.recovered).toEqual(expect.any(Number));
    const { images } = decodeShard(readFileSync(path('set/shard-00000-of-00001.safetensors')), 'x');
    expect([...result.details.images!.data]).toEqual([...images.data]);
  });

  test('learns from a .npy of images', async () => {
    npy('images.npy', [9, 3, 8, 8]);
    const result = await recover('images.npy');
    expect(result.details.images!.shape).toEqual([9, 3, 8, 8]);
  });

  test('refuses images of another teacher, preprocessing, shape or type, and too few', async () => {
    await make('set');
    expect(await failure(recover('set', { preprocess: 'unit' }))).toMatch(/^E_ARG: .* another preprocessing/);
    const manifest = readFileSync(path('set/manifest.json'), 'utf8');
    writeFileSync(path('set/manifest.json'), manifest.replace(sha256('teacher.onnx'), 'ab'.repeat(32)));
    expect(await failure(recover('set'))).toMatch(/^E_ARG: .* another teacher, of SHA-256 abab/);
    npy('wide.npy', [9, 3, 8, 9]);
    expect(await failure(recover('wide.npy'))).toMatch(
      /^E_SHAPE: .*\[3, 8, 9\]; the teacher takes \[3, 8, 8\]/,
    );
    npy('few.npy', [4, 3, 8, 8]);
    expect(await failure(recover('few.npy'))).toMatch(/^E_ARG: .* holds 4 images; at least 5/);
    writeFileSync(
      path('floats.npy'),
      encodeNpy({ type: 'float32', shape: [1, 3, 8, 8], data: new Float32Array(192) }),
    );
    expect(await failure(recover('floats.npy'))).toMatch(/^E_TENSOR: .* holds float32/);
    expect(existsSync(path('student.onnx'))).toBe(false);
  });

  test('refuses a folder without a manifest, and one whose manifest or shards are not what they were', async () => {
    await make('set');
    mkdirSync(path('empty'));
    expect(await failure(recover('empty'))).toMatch(/^E_ARG: .* no complete set/);
    expect(await failure(recover('nowhere'))).toMatch(/^E_IO: /);

    const manifest = readFileSync(path('set/manifest.json'), 'utf8');
    const attempt = (text: string) => {
      writeFileSync(path('set/manifest.json'), text);
      return failure(recover('set'));
    };
    expect(await attempt('{')).toMatch(/^E_PARSE: .* not JSON/);
    expect(await attempt('{"format":"x"}')).toMatch(/^E_PARSE: .* not a manifest of dreams/);
    expect(await attempt(manifest.replace('shard-00000-of', '../shard-00000-of'))).toMatch(
      /^E_PARSE: .* list/,
    );
    expect(await attempt(manifest.replace(/"sha256": "\w+"\n {2}\}\n \]/, '"sha256": 1}]'))).toMatch(
      /^E_PARSE: .* list/,
    );
    expect(await attempt(manifest.replace('"seed": 0', '"seed": 1'))).toMatch(
      /^E_ARG: .* its seed is 0, not 1/,
    );
    const [own] = readdirSync(path('set')).filter((name) => name.startsWith('shard'));
    expect(await attempt(manifest.replace(sha256(`set/${own}`), 'cd'.repeat(32)))).toMatch(
      /^E_PARSE: .* not the file/,
    );
    expect(existsSync(path('student.onnx'))).toBe(false);
  });
});
