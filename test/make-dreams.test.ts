import { copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { readModel } from '../converters/read.js';
import { toRunnable } from '../converters/runnable.js';
import { balancedTargets } from '../src/dream/targets.js';
import { decodeShard, encodeShard, restoreImages } from '../src/dream/shards/shard.js';
import { type DreamsOptions } from '../src/make-dreams-options.js';
import { makeDreams } from '../src/make-dreams.js';
import { mergeDreams } from '../src/merge-dreams.js';
import { resolvePreprocessing } from '../src/preprocess.js';
import type { ProgressEvent } from '../src/progress.js';
import { runModel } from '../src/verify/run-model.js';
import { TINY_DREAMS, useDreamFolder } from './support/dream-sets.js';
import { failure } from './support/failure.js';
import { TINY_PRESET } from './support/tiny-preset.js';

const { path, sha256 } = useDreamFolder();
const SHARDS = ['shard-00000-of-00002.safetensors', 'shard-00001-of-00002.safetensors'];
const SET = ['dreams.png', 'manifest.json', 'report.html', 'report.json'];

const make = (name: string, options: DreamsOptions = {}) =>
  makeDreams(path('teacher.onnx'), path(name), { ...TINY_DREAMS, ...options });
/** Of so many images the method makes two shards by itself. */
const TWO_SHARDS = {
  count: 260,
  preset: { ...TINY_PRESET, dream: { ...TINY_PRESET.dream, batch: 130, iterations: 2 } },
};
const shard = (index: number, of = 2) => ({ shard: { index, of } });
const contents = (name: string) => readdirSync(path(name)).map((file) => [file, sha256(`${name}/${file}`)]);

describe('making dreams', () => {
  test('writes a set, and reports on it', async () => {
    const result = await make('set');
    expect(readdirSync(path('set'))).toEqual([...SET, 'shard-00000-of-00001.safetensors']);
    expect(JSON.parse(JSON.stringify(result))).toEqual({
      count: 12,
      agreement: expect.any(Number),
      bnDistance: expect.any(Number),
      bnDistanceNoise: expect.any(Number),
      diversity: expect.any(Number),
      seconds: expect.any(Number),
      imagesPerSecond: 12 / result.seconds,
    });
    const report = JSON.parse(readFileSync(path('set/report.json'), 'utf8')) as Record<string, unknown>;
    expect(report).toEqual(JSON.parse(JSON.stringify(result.details.report)));
    expect(report['classes']).toHaveLength(4);
    expect(report['batchNorms']).toHaveLength(2);
    const manifest = JSON.parse(readFileSync(path('set/manifest.json'), 'utf8')) as Record<string, unknown>;
    expect(manifest).toMatchObject({
      teacher: { sha256: sha256('teacher.onnx') },
      seed: 0,
      config: { synthesis: 'deepinversion', count: 12, shards: 1, input: [3, 8, 8], output: 'logits' },
      shards: [
        {
          file: 'shard-00000-of-00001.safetensors',
          count: 12,
          sha256: sha256('set/shard-00000-of-00001.safetensors'),
        },
      ],
    });
  });

  test('images, targets and logits belong together: onnxruntime gives these logits for these pixels', async () => {
    await make('set');
    const file = path('set/shard-00000-of-00001.safetensors');
    const { images, targets, logits } = decodeShard(readFileSync(file), file);
    expect(images.data).toBeInstanceOf(Uint8Array);
    const model = await readModel(path('teacher.onnx'));
    const expected = await runModel(
      toRunnable(model),
      restoreImages(images, resolvePreprocessing('cifar10', model)),
    );
    expected.data.forEach((value, i) => {
      expect(logits.data[i]).toBeCloseTo(value, 4);
    });
    expect([...targets]).toEqual(balancedTargets(4, 12)(0));
  });

  test('classes follow one another across shards, and each shard has images of its own', async () => {
    await make('one', { ...shard(0), count: 5 });
    await make('one', { ...shard(1), count: 5 });
    const read = (name: string) => decodeShard(readFileSync(path(`one/${name}`)), name);
    const [first, second] = SHARDS.map(read);
    expect([...first.targets, ...second.targets]).toEqual(balancedTargets(4, 5)(0));
    expect(first.images.data.slice(0, 192)).not.toEqual(second.images.data.slice(0, 192));
  });

  test('the same seed gives the same bytes, in one run or in shards; another seed others', async () => {
    await make('a', shard(0));
    await make('b', shard(1));
    await mergeDreams([path('merged'), path('a'), path('b')]);
    await make('c', shard(1));
    await make('c', shard(0));
    await mergeDreams([path('c')]);
    expect(readdirSync(path('c'))).toEqual([...SET, ...SHARDS]);
    expect(contents('merged')).toEqual(contents('c'));
    await make('d', { ...shard(0), seed: 1 });
    expect(sha256(`d/${SHARDS[0]}`)).not.toBe(sha256(`c/${SHARDS[0]}`));

    await make('e', shard(0, 1));
    await make('f');
    const only = 'shard-00000-of-00001.safetensors';
    expect(sha256(`e/${only}`)).toBe(sha256(`f/${only}`));
  });

  test('a shard that is there is not made again; a damaged one is', async () => {
    await make('set', shard(0));
    const before = sha256(`set/${SHARDS[0]}`);
    const again = await make('set', { ...shard(0), onProgress: () => expect.fail('it dreamt again') });
    expect(again).toMatchObject({ count: 6, imagesPerSecond: null });
    const bytes = readFileSync(path(`set/${SHARDS[0]}`));
    writeFileSync(path(`set/${SHARDS[0]}`), bytes.subarray(0, -1));
    expect(await make('set', shard(0))).toMatchObject({ imagesPerSecond: expect.any(Number) as number });
    expect(sha256(`set/${SHARDS[0]}`)).toBe(before);
  });

  test('tells the time left of all shards', async () => {
    const left: (number | undefined)[] = [];
    const start = performance.now();
    let first = 0;
    const onProgress = ({ step, secondsLeft }: ProgressEvent) => {
      left.push(secondsLeft);
      if (step === 2) first = (performance.now() - start) / 1000;
    };
    await make('set', { ...TWO_SHARDS, onProgress });
    expect(left).toHaveLength(4);
    // At the end of the first, the second is to take as long as it did.
    expect(left[1]).toBeGreaterThan(0);
    expect(left[1]).toBeLessThanOrEqual(first);
    expect(left[3]).toBe(0);
  });

  test('interrupted, it leaves whole shards, and goes on from there with the same result', async () => {
    const controller = new AbortController();
    const onProgress = ({ step, steps }: { step: number; steps: number }) => {
      expect(steps).toBe(4);
      if (step === 3) controller.abort();
    };
    const said = await failure(make('set', { ...TWO_SHARDS, onProgress, signal: controller.signal }));
    expect(said).toMatch(/^E_INTERRUPTED: .* 1 of 2 shards are in .*, whole, and --resume makes the others/);
    expect(readdirSync(path('set'))).toEqual([SHARDS[0]]);

    expect(await failure(make('set', TWO_SHARDS))).toMatch(/^E_ARG: .* holds dreams already; pass --resume/);
    const steps: number[] = [];
    const resumed = await make('set', {
      ...TWO_SHARDS,
      resume: true,
      onProgress: ({ step }) => steps.push(step),
    });
    expect(steps).toEqual([1, 2]);
    expect(resumed.count).toBe(260);
    await make('whole', TWO_SHARDS);
    expect(contents('set')).toEqual(contents('whole'));
  });

  test('interrupted in the first shard, it leaves nothing', async () => {
    const controller = new AbortController();
    const onProgress = () => {
      controller.abort();
    };
    await failure(make('set', { onProgress, signal: controller.signal }));
    expect(existsSync(path('set'))).toBe(false);
  });

  test('--force replaces a set by another, shards and all', async () => {
    await make('set', shard(0));
    await make('set', shard(1));
    await make('set', { seed: 3, force: true });
    await make('other', { seed: 3 });
    expect(contents('set')).toEqual(contents('other'));
  });

  test('shards of other settings are left alone', async () => {
    await make('set', shard(0));
    const before = contents('set');
    expect(await failure(make('set', { ...shard(0), seed: 1 }))).toMatch(
      /^E_ARG: .* its seed is 0, not 1\.$/,
    );
    expect(await failure(make('set', { ...shard(0), count: 13 }))).toMatch(/its count is 12, not 13/);
    expect(await failure(make('set', shard(0, 3)))).toMatch(/^E_ARG: .* of another number of shards than 3/);
    expect(contents('set')).toEqual(before);
  });

  test('an unknown range of pixels gives float images, as the model takes them', async () => {
    await make('set', { preprocess: 'auto' });
    const file = path('set/shard-00000-of-00001.safetensors');
    expect(decodeShard(readFileSync(file), file).images.data).toBeInstanceOf(Float32Array);
  });

  test.each([
    [{ count: 0 }, /^E_ARG: The number of images is 0/],
    [{ count: 1e12 }, /^E_ARG: 1000000000000 images are more than one run makes/],
    [{ count: 1e12, ...shard(0, 1) }, /^E_LIMIT: A shard would need/],
    [{ count: 3, ...shard(0, 4) }, /^E_ARG: 3 images cannot be divided into 4 shards/],
    [shard(2), /^E_ARG: There is no shard 2\/2/],
    [{ synthesis: 'magic' as 'deepinversion' }, /^E_ARG: There is no synthesis 'magic'/],
  ])('options %j are refused', async (options, message) => {
    expect(await failure(make('set', options))).toMatch(message);
    expect(existsSync(path('set'))).toBe(false);
  });

  test('a file in place of the folder is refused', async () => {
    expect(await failure(make('teacher.onnx'))).toMatch(/^E_ARG: .* is a file/);
  });
});

describe('merging', () => {
  test('tells what is missing, and writes nothing', async () => {
    await make('a', { ...shard(1, 3) });
    const said = await failure(mergeDreams([path('all'), path('a')]));
    expect(said).toMatch(/^E_ARG: .* lacks 2 of 3 shards \(0, 2\); make them with --shard 0\/3/);
    expect(existsSync(path('all'))).toBe(false);
    expect(await failure(mergeDreams([path('all')]))).toMatch(/^E_ARG: There are no shards of dreams in /);
  });

  test('refuses shards of other settings, damaged ones, and two versions of one', async () => {
    await make('a', shard(0));
    await make('b', { ...shard(1), seed: 1 });
    expect(await failure(mergeDreams([path('a'), path('b')]))).toMatch(/^E_ARG: .* its seed is 1, not 0/);

    mkdirSync(path('c'));
    const bytes = readFileSync(path(`a/${SHARDS[0]}`));
    writeFileSync(path(`c/${SHARDS[1]}`), bytes);
    expect(await failure(mergeDreams([path('c')]))).toMatch(
      /^E_PARSE: .* holds shard 0 of 2, whatever its name/,
    );

    writeFileSync(path(`c/${SHARDS[1]}`), bytes.subarray(0, bytes.length - 1));
    expect(await failure(mergeDreams([path('a'), path('c')]))).toMatch(/^E_PARSE: /);

    mkdirSync(path('d'));
    const other = decodeShard(bytes, 'a');
    writeFileSync(path(`d/${SHARDS[0]}`), encodeShard({ ...other, targets: other.targets.map(() => 1) }));
    expect(await failure(mergeDreams([path('a'), path('d')]))).toMatch(/^E_ARG: .* different bytes/);
  });

  test('takes the same shard twice', async () => {
    await make('a', shard(0));
    await make('b', shard(1));
    copyFileSync(path(`a/${SHARDS[0]}`), path(`b/${SHARDS[0]}`));
    expect(await mergeDreams([path('b'), path('a')])).toMatchObject({ count: 12, imagesPerSecond: null });
  });
});
