import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DfkdError } from '../converters/errors.js';
import { readModel } from '../converters/read.js';
import { lowerModel } from '../src/network/lower.js';
import { writeWhole } from '../src/output-file.js';
import { recoverModel, type RecoverOptions } from '../src/recover-model.js';
import { createRandom } from '../src/random.js';
import { RUNGS } from '../src/recover/ladder.js';
import { runModel } from '../src/verify/run-model.js';
import { VERSION } from '../src/version.js';
import { TINY_PRESET } from './support/tiny-preset.js';

const TEACHER = new URL('../fixtures/teachers/resnet8-torchscript.onnx', import.meta.url).pathname;
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

describe('the recipe', () => {
  test('writes a student with exactly the wanted share of zeros, and reports what it did', async () => {
    const stages = new Set<string>();
    const result = await recoverModel(TEACHER, output, {
      ...OPTIONS,
      onProgress: ({ stage }) => stages.add(stage),
    });
    expect(JSON.parse(JSON.stringify(result))).toEqual({
      input: { path: TEACHER, sha256: sha256(TEACHER) },
      output: { path: output, sha256: sha256(output), bytes: readFileSync(output).length },
      seed: 0,
      preset: 'custom',
      device: 'cpu',
      seconds: expect.any(Number),
      sparsity: { target: 0.8, achieved: result.sparsity.achieved },
      agreement: { pruned: expect.any(Number), recovered: expect.any(Number) },
      stages: result.stages,
      parity: { maxAbsDiff: expect.any(Number) },
    });
    expect(result.stages.map(({ name, agreement }) => [name, agreement !== null])).toEqual([
      ['read', false],
      ['companions', false],
      ['dream', false],
      ['prune', true],
      ['statistics', true],
      ['match', true],
      ['reconstruct', true],
      ['distil', true],
      ['write', false],
    ]);
    expect(stages).toEqual(new Set(['companions', 'dream', 'statistics', 'reconstruct', 'distil']));
    expect(result.agreement.recovered).toBeGreaterThanOrEqual(result.agreement.pruned!);
    expect(readdirSync(folder)).toEqual(['student.onnx']);

    const teacher = lowerModel(await readModel(TEACHER), { batch: 1 });
    const student = lowerModel(await readModel(output), { batch: 1 });
    let [zeros, total] = [0, 0];
    for (const name of teacher.prunable) {
      const { data } = student.parameters.get(name)!;
      total += data.length;
      zeros += data.filter((value) => value === 0).length;
      expect(data.some((value) => Object.is(value, -0))).toBe(false);
    }
    expect(zeros).toBe(Math.floor(0.8 * total));
    expect(result.sparsity.achieved).toBe(zeros / total);

    const { details } = result;
    expect(details.layers.map(({ name }) => name)).toEqual(teacher.prunable);
    expect(details.images!.shape).toEqual([64, 3, 32, 32]);
    // 2.32 halvings leave a fifth: one batch of companions, of one update, and two steps for each.
    expect(details.curves.map(({ stage, steps }) => [stage, steps.length])).toEqual([
      ['companions', 2],
      ['dream', 5],
      ['distil', 5],
    ]);
  });

  test('the student says what made it, and nothing of who or where', async () => {
    await recoverModel(TEACHER, output, { ...OPTIONS, recover: false, seed: 5 });
    const { metadata } = await readModel(output);
    const before = (await readModel(TEACHER)).metadata;
    expect([...metadata]).toEqual([
      ...before,
      ['onnx_dfkd.version', VERSION],
      ['onnx_dfkd.input_sha256', sha256(TEACHER)],
      ['onnx_dfkd.sparsity', '0.8'],
      ['onnx_dfkd.seed', '5'],
      ['onnx_dfkd.preset', 'custom'],
      ['onnx_dfkd.criterion', 'magnitude'],
      ['onnx_dfkd.pattern', 'unstructured'],
      ['onnx_dfkd.schedule', 'gradual'],
      ['onnx_dfkd.synthesis', 'generator'],
      ['onnx_dfkd.rungs', 'none'],
    ]);
    expect(readFileSync(output).includes(folder)).toBe(false);
    // A student of a student is of its own making.
    const again = join(folder, 'again.onnx');
    await recoverModel(output, again, { ...OPTIONS, recover: false, sparsity: 0.9 });
    const second = (await readModel(again)).metadata;
    expect(second.size).toBe(metadata.size);
    expect(second.get('onnx_dfkd.input_sha256')).toBe(sha256(output));
    expect(second.get('onnx_dfkd.sparsity')).toBe('0.9');
  });

  test('the same seed gives the same bytes, another seed others', async () => {
    const run = async (seed: number, name: string) => {
      const path = join(folder, name);
      await recoverModel(TEACHER, path, { ...OPTIONS, seed });
      return sha256(path);
    };
    const first = await run(1, 'a.onnx');
    expect(await run(1, 'b.onnx')).toBe(first);
    expect(await run(2, 'c.onnx')).not.toBe(first);
  });

  test('without recovery it prunes alone, and claims no agreement', async () => {
    const result = await recoverModel(TEACHER, output, { ...OPTIONS, recover: false });
    expect(result.stages.map(({ name }) => name)).toEqual(['read', 'prune', 'write']);
    expect(result.agreement).toEqual({ pruned: null, recovered: null });
    const images = { shape: [8, 3, 32, 32], data: createRandom(0).gaussian(8 * 3072) };
    const [before, after] = [await runModel(TEACHER, images), await runModel(output, images)];
    expect(after.data.some((value, i) => Math.abs(value - before.data[i]) > 0.01)).toBe(true);
  });

  test('sparsity 0 without recovery copies the file byte for byte', async () => {
    const result = await recoverModel(TEACHER, output, { ...OPTIONS, sparsity: 0, recover: false });
    expect(readFileSync(output).equals(readFileSync(TEACHER))).toBe(true);
    expect(result.output.sha256).toBe(result.input.sha256);
  });

  test('a dry run goes through every stage before training and writes nothing', async () => {
    const result = await recoverModel(TEACHER, output, {
      ...OPTIONS,
      dryRun: true,
      onProgress: () => expect.fail('a training step ran'),
    });
    expect(result.stages.map(({ name }) => name)).toEqual(['read', 'companions', 'dream', 'prune']);
    expect(result.output).toEqual({ path: output, sha256: null, bytes: null });
    expect(result.sparsity.achieved).toBeCloseTo(0.8, 4);
    expect(readdirSync(folder)).toEqual([]);
  });

  test.each(['companions', 'dream', 'distil'])('interrupted during %s, it leaves no file', async (stage) => {
    const controller = new AbortController();
    const onProgress = (event: { stage: string; step: number }) => {
      if (event.stage === stage && event.step === 2) controller.abort();
      expect(event.stage !== stage || event.step <= 2).toBe(true);
    };
    const run = recoverModel(TEACHER, output, { ...OPTIONS, onProgress, signal: controller.signal });
    await expect(run).rejects.toMatchObject({ code: 'E_INTERRUPTED' });
    expect(readdirSync(folder)).toEqual([]);
  });

  test('the rungs asked for are climbed, in their order', async () => {
    const result = await recoverModel(TEACHER, output, { ...OPTIONS, rungs: ['reconstruct', 'statistics'] });
    expect(result.stages.map(({ name }) => name)).toEqual([
      'read',
      'companions',
      'dream',
      'prune',
      'statistics',
      'reconstruct',
      'write',
    ]);
    const agreements = result.stages.flatMap(({ agreement }) => agreement ?? []);
    expect(result.agreement.recovered).toBe(Math.max(...agreements));
  });

  test('cut as it learns, a student is not repaired before; with too little time for that, it is', async () => {
    const { distil } = TINY_PRESET;
    const climb = async (budget?: number) => {
      // At 90% 43 steps.
      const preset = { ...TINY_PRESET, distil: { ...distil, steps: 13 } };
      const options = { ...OPTIONS, sparsity: 0.9, preset, budget, force: true };
      const { stages } = await recoverModel(TEACHER, output, options);
      const climbed = (await readModel(output)).metadata.get('onnx_dfkd.rungs');
      return [stages.filter(({ agreement }) => agreement !== null).map(({ name }) => name), climbed];
    };
    expect(await climb()).toEqual([['prune', 'distil'], 'distil']);
    expect(await climb(1e-3)).toEqual([['prune', ...RUNGS], RUNGS.join(',')]);
  });

  test('an n:m pattern cuts what it says, and holds through recovery', async () => {
    const result = await recoverModel(TEACHER, output, {
      preset: TINY_PRESET,
      preprocess: 'cifar10',
      pattern: '1:4',
    });
    expect(result.sparsity.target).toBe(0.75);
    const { parameters, prunable } = lowerModel(await readModel(output), { batch: 1 });
    const { data, dims } = parameters.get(prunable[2])!;
    const [outputs, inputs, high, wide] = dims;
    expect(inputs % 4).toBe(0);
    for (let o = 0; o < outputs; o++)
      for (let at = 0; at < high * wide; at++)
        for (let first = 0; first < inputs; first += 4) {
          const group = [0, 1, 2, 3].map((i) => data[(o * inputs + first + i) * high * wide + at]);
          expect(group.filter((value) => value !== 0).length).toBeLessThanOrEqual(1);
        }
  });

  test('says beforehand how long it will take, and keeps to a budget as far as it can', async () => {
    const notes: string[] = [];
    const steps: number[] = [];
    await recoverModel(TEACHER, output, {
      ...OPTIONS,
      rungs: ['distil'],
      budget: 1e-3,
      onNote: (note) => notes.push(note),
      onProgress: (event) => {
        if (event.stage === 'distil') steps.push(event.steps);
      },
    });
    expect(notes.join()).toMatch(/The whole run will take about \d+ s: \d+ s to dream, \d+ s to recover\./);
    expect(notes.join()).toContain('too short');
    expect(steps).toEqual([1]);
  });

  test('an unknown pixel range is used as such, and noted', async () => {
    const result = await recoverModel(TEACHER, output, { ...OPTIONS, preprocess: 'auto', dryRun: true });
    expect(result.details.notes.join()).toContain('no valid range is assumed');
  });
});

describe('refusals', () => {
  const refused = async (input: string, to: string, options: RecoverOptions = OPTIONS) => {
    const before = readdirSync(folder);
    const error = await recoverModel(input, to, {
      ...options,
      onProgress: () => expect.fail('work began'),
    }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(DfkdError);
    expect(readdirSync(folder)).toEqual(before);
    const { code, message } = error as DfkdError;
    return `${code}: ${message}`;
  };

  test('the output is the input, also through links', async () => {
    expect(await refused(TEACHER, TEACHER, { ...OPTIONS, force: true })).toMatch(/^E_ARG: .* is the input/);
    const link = join(folder, 'link.onnx');
    symlinkSync(TEACHER, link);
    expect(await refused(TEACHER, link, { ...OPTIONS, force: true })).toMatch(/^E_ARG: .* is the input/);
    expect(await refused(link, TEACHER, { ...OPTIONS, force: true })).toMatch(/^E_ARG: .* is the input/);
  });

  test('the output exists, unless forced', async () => {
    writeFileSync(output, 'precious');
    expect(await refused(TEACHER, output)).toMatch(/^E_ARG: .* exists; pass --force/);
    expect(readFileSync(output, 'utf8')).toBe('precious');
    await recoverModel(TEACHER, output, { ...OPTIONS, recover: false, force: true });
    expect(readFileSync(output).length).toBeGreaterThan(100_000);
  });

  test('the folder of the output is missing, or the output is a folder', async () => {
    expect(await refused(TEACHER, join(folder, 'no', 'x.onnx'))).toMatch(/^E_ARG: .* does not exist/);
    expect(await refused(TEACHER, folder, { ...OPTIONS, force: true })).toMatch(/^E_ARG: .* is a folder/);
  });

  test.each([
    [{ sparsity: 1 }, /^E_ARG: The sparsity is 1;/],
    [{ sparsity: -0.1 }, /^E_ARG: The sparsity is -0.1;/],
    [{ sparsity: Number.NaN }, /^E_ARG: The sparsity is NaN;/],
    [{ device: 'tpu' as 'cpu' }, /^E_ARG: There is no device 'tpu'; use auto, cuda, /],
    [{ preset: 'quick' as 'fast' }, /^E_ARG: There is no preset 'quick'; use fast, standard, thorough\./],
    [
      { engine: 'torch' as 'tensorflow' },
      /^E_ARG: There is no engine 'torch'; use onnxruntime, tensorflow\./,
    ],
    [
      { criterion: 'random' as 'lamp' },
      /^E_ARG: There is no criterion 'random'; use magnitude, lamp, uniform\./,
    ],
    [{ schedule: 'slow' as 'gradual' }, /^E_ARG: There is no schedule 'slow'; use gradual, one-shot\./],
    [{ pattern: '4:2' }, /^E_ARG: There is no pattern '4:2';/],
    [{ pattern: '2:4' }, /^E_ARG: The pattern 2:4 cuts 0\.5 .* 0\.8 contradicts it/],
    [{ rungs: ['distill' as 'distil'] }, /^E_ARG: There is no rung 'distill'; use statistics, match, /],
    [{ rungs: [] }, /^E_ARG: No rung is left/],
    [{ budget: 0 }, /^E_ARG: The budget is 0 seconds;/],
    [{ seed: 1.5 }, /^E_ARG: The seed is 1\.5;/],
    [{ threads: 0 }, /^E_ARG: The number of threads is 0;/],
    [{ preprocess: { mean: [0.5, 0.5], std: [1] } }, /^E_ARG: The mean .* has 2 values/],
  ])('options %j', async (options, message) => {
    expect(await refused(TEACHER, output, { ...OPTIONS, ...options })).toMatch(message);
  });

  test('a missing file, a text file, a truncated model', async () => {
    expect(await refused(join(folder, 'none.onnx'), output)).toMatch(/^E_IO: /);
    const text = join(folder, 'text.onnx');
    writeFileSync(text, 'This is no model.');
    expect(await refused(text, output)).toMatch(/^E_PARSE: /);
    const truncated = join(folder, 'truncated.onnx');
    writeFileSync(truncated, readFileSync(TEACHER).subarray(0, 100_000));
    expect(await refused(truncated, output)).toMatch(/^E_PARSE: /);
  });
});

describe('writing a file as a whole', () => {
  test('leaves what was there where the new file is not accepted', async () => {
    writeFileSync(output, 'old');
    const refuse = writeWhole(output, Buffer.from('new'), (temporary) => {
      expect(readFileSync(temporary, 'utf8')).toBe('new');
      return Promise.reject(new DfkdError('E_INTERNAL', 'no'));
    });
    await expect(refuse).rejects.toMatchObject({ code: 'E_INTERNAL' });
    expect(readFileSync(output, 'utf8')).toBe('old');
    expect(readdirSync(folder)).toEqual(['student.onnx']);
  });

  test('reports what the operating system refuses', async () => {
    const nowhere = join(folder, 'gone', 'x.onnx');
    await expect(writeWhole(nowhere, Buffer.from('x'), () => Promise.resolve())).rejects.toMatchObject({
      code: 'E_IO',
      message: expect.stringContaining('ENOENT') as string,
    });
  });
});
