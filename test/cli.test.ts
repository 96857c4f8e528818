import { spawn } from 'node:child_process';
import { copyFileSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { decodeNpy, encodeNpy } from '../src/npy.js';
import { evaluateModel } from '../src/verify/evaluate.js';
import { useCliFolder } from './support/cli-folder.js';
import { CLI } from './support/run-cli.js';
import { encodeTinyTeacher } from './support/tiny-teacher.js';

const FIXTURES = fileURLToPath(new URL('../fixtures/', import.meta.url));
const TEACHER = `${FIXTURES}teachers/resnet8-torchscript.onnx`;
const IMAGES = `${FIXTURES}images/evaluation.images.npy`;
const LABELS = `${FIXTURES}images/evaluation.labels.npy`;

const cli = useCliFolder();
const { run, write } = cli;

describe('the main job', () => {
  test('--sparsity 0 --no-recover copies the file', () => {
    const result = run('teacher.onnx', 'out.onnx', '--sparsity', '0', '--no-recover', '--json');
    expect(result.status).toBe(0);
    expect(readFileSync(join(cli.path, 'out.onnx'))).toEqual(readFileSync(join(cli.path, 'teacher.onnx')));
    const document = JSON.parse(result.stdout) as { input: object; output: object };
    expect(document.output).toMatchObject({ path: 'out.onnx', bytes: encodeTinyTeacher().length });
    expect(document.output).toMatchObject({ sha256: (document.input as { sha256: string }).sha256 });
  });

  test('--dry-run writes nothing, not even the report', () => {
    const result = run('teacher.onnx', 'out.onnx', '--dry-run', '--json', '--report', 'report.html');
    expect(result.status).toBe(0);
    expect(JSON.parse(result.stdout)).toMatchObject({
      output: { path: 'out.onnx', sha256: null, bytes: null },
    });
    expect(readdirSync(cli.path)).toEqual(['teacher.onnx']);
  });

  test('--force replaces', () => {
    write('out.onnx', 'old');
    expect(run('teacher.onnx', 'out.onnx', '--no-recover', '--force').status).toBe(0);
    // The teacher's bytes, and what made the student.
    expect(readFileSync(join(cli.path, 'out.onnx')).length).toBeGreaterThan(encodeTinyTeacher().length);
  });

  test('tells when it knows no range, on stderr', () => {
    const { stderr } = run('teacher.onnx', 'out.onnx', '--no-recover', '--json');
    expect(stderr).toMatch(/no valid range is assumed/);
    expect(run('teacher.onnx', 'o2.onnx', '--no-recover', '--preprocess', 'unit').stderr).toBe('');
  });

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('%s in the middle leaves no file', async (signal, status) => {
    const args = [
      'teacher.onnx',
      'out.onnx',
      '--preset',
      'thorough',
      '--preprocess',
      'unit',
      '--report',
      'r.html',
    ];
    const child = spawn(process.execPath, [CLI, ...args], {
      cwd: cli.path,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      if (!stderr.includes('dream ') && (stderr + text).includes('dream ')) child.kill(signal);
      stderr += text;
    });
    const code = await new Promise((resolve) => child.on('exit', resolve));
    expect(stderr).toMatch(/onnx-dfkd: The run was interrupted/);
    expect(code).toBe(status);
    expect(readdirSync(cli.path)).toEqual(['teacher.onnx']);
  });
});

describe('inspect, evaluate, verify', () => {
  test('evaluate agrees with counting the labels by hand', async () => {
    const result = run(
      'evaluate',
      TEACHER,
      '--images',
      IMAGES,
      '--labels',
      LABELS,
      '--preprocess',
      'cifar10',
      '--json',
    );
    const document = JSON.parse(result.stdout) as { accuracy: number; correct: number; count: number };
    const { shape, type, data } = decodeNpy(readFileSync(LABELS));
    expect(document.count).toBe(data.length);
    expect(document.accuracy).toBe(document.correct / document.count);

    // Labels shifted by one class: what was right is wrong now.
    const shifted = (data as BigInt64Array).map((label) => (label + 1n) % 10n);
    write('shifted.npy', encodeNpy({ shape, type, data: shifted }));
    const options = { images: IMAGES, labels: join(cli.path, 'shifted.npy'), preprocess: 'cifar10' } as const;
    expect((await evaluateModel(TEACHER, options)).correct).toBeLessThanOrEqual(
      document.count - document.correct,
    );
    expect(document.accuracy).toBeGreaterThan(0.85);
  });

  test('evaluate refuses to guess how pixels are mapped', () => {
    const result = run('evaluate', TEACHER, '--images', IMAGES, '--labels', LABELS);
    expect(result).toMatchObject({ status: 2, stdout: '' });
    expect(result.stderr).toMatch(/--preprocess/);
  });

  test('verify finds a model equal to itself, and a pruned one different', () => {
    copyFileSync(join(cli.path, 'teacher.onnx'), join(cli.path, 'copy.onnx'));
    run('teacher.onnx', 'pruned.onnx', '--no-recover', '--preprocess', 'unit');
    const verify = (b: string) => JSON.parse(run('verify', 'teacher.onnx', b, '--json').stdout) as object;
    expect(verify('copy.onnx')).toEqual({ maxAbsDiff: 0, maxRelDiff: 0, equal: true });
    expect(verify('pruned.onnx')).toMatchObject({ equal: false });
    expect(run('verify', 'teacher.onnx', 'pruned.onnx').stdout).toMatch(/^different: /);
  });

  test('inspect prints the document of the contract', () => {
    const document = JSON.parse(run('inspect', 'teacher.onnx', '--json').stdout) as Record<string, unknown>;
    expect(Object.keys(document)).toEqual([
      ...['opset', 'irVersion', 'producer', 'input', 'output', 'parameters', 'operators'],
      ...['unsupported', 'batchNorms', 'folded', 'folding', 'trainingMode'],
      ...['outputs', 'weightTypes', 'externalFiles'],
    ]);
    // 8x3x3x3 + 16x8x3x3 + 16x4 weights, 4 biases, 2 (8 + 16) scales and offsets.
    expect(document).toMatchObject({ parameters: 216 + 1152 + 64 + 4 + 48, folded: false, unsupported: [] });
    expect(run('inspect', 'teacher.onnx').stdout).toMatch(/^batch norm +2$/m);
  });

  test('inspect loads neither tfjs nor onnxruntime', () => {
    const script = (verbs: string) => `
      const { inspectModel, recoverModel } = await import(process.argv[1]);
      await inspectModel('teacher.onnx'); ${verbs}
      const libraries = process.report.getReport().sharedObjects.join();
      console.log(libraries.includes('onnxruntime'), '_tfengine' in globalThis);`;
    const load = (verbs: string) => {
      const args = ['--input-type=module', '-e', script(verbs), CLI.replace('cli/main.js', 'index.js')];
      const child = spawn(process.execPath, args, { cwd: cli.path });
      return new Promise<string>((resolve) => child.stdout.setEncoding('utf8').once('data', resolve));
    };
    return Promise.all([
      expect(load('')).resolves.toBe('false false\n'),
      expect(load("await recoverModel('teacher.onnx', 'o.onnx', { dryRun: true });")).resolves.toBe(
        'true true\n',
      ),
    ]);
  });
});
