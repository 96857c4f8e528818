import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { useCliFolder } from './support/cli-folder.js';
import { CLI, runCli } from './support/run-cli.js';

const cli = useCliFolder();
const OPTIONS = ['--count', '8', '--preset', 'fast', '--preprocess', 'unit'];

describe('dream', () => {
  test('prints the document of the contract, and nothing else', () => {
    const { status, stdout } = cli.run('dream', 'teacher.onnx', 'set', ...OPTIONS, '--json');
    expect(status).toBe(0);
    const document = JSON.parse(stdout) as Record<string, number>;
    expect(Object.keys(document)).toEqual([
      ...['count', 'agreement', 'bnDistance', 'bnDistanceNoise', 'diversity', 'seconds', 'imagesPerSecond'],
    ]);
    expect(document['count']).toBe(8);
    expect(document['bnDistance']).toBeLessThan(document['bnDistanceNoise']);
  });

  test("makes the shards of Slurm's and Kubernetes' tasks, merges them, and the main job takes them", () => {
    const task = (environment: NodeJS.ProcessEnv, ...args: string[]) =>
      runCli(['dream', 'teacher.onnx', 'shards', ...OPTIONS, ...args], cli.path, {
        env: { ...process.env, ...environment },
      });
    expect(task({ JOB_COMPLETION_INDEX: '1' }, '--shard', '/2').status).toBe(0);
    expect(task({ JOB_COMPLETION_INDEX: '1' }).stderr).toMatch(/not of how many/);
    expect(cli.run('dream', '--merge', 'shards')).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('lacks 1 of 2 shards (0)') as string,
    });
    expect(
      task({ SLURM_ARRAY_TASK_ID: '1', SLURM_ARRAY_TASK_MIN: '1', SLURM_ARRAY_TASK_COUNT: '2' }).status,
    ).toBe(0);
    expect(readdirSync(join(cli.path, 'shards'))).toHaveLength(2);
    expect(cli.run('dream', '--merge', 'shards').stdout).toMatch(/^dreams +8 images in shards/);
    const main = ['teacher.onnx', 'out.onnx', '--preprocess', 'unit', '--dreams', 'shards', '--dry-run'];
    // 128 images are held out for measurements.
    expect(cli.run(...main)).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(/at least 129/) as string,
    });
  });

  test('merges any number of folders into the first', () => {
    for (const index of [0, 1]) {
      expect(
        cli.run('dream', 'teacher.onnx', `part${index}`, ...OPTIONS, '--shard', `${index}/2`).status,
      ).toBe(0);
    }
    const { status, stdout } = cli.run('dream', '--merge', 'all', 'part0', 'part1', '--json');
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ count: 8, imagesPerSecond: null });
    expect(readdirSync(join(cli.path, 'all'))).toContain('shard-00001-of-00002.safetensors');
  });

  test.each([
    [['teacher.onnx'], /folder to write is missing/],
    [['teacher.onnx', 'a', 'b'], /One folder is written/],
    [['teacher.onnx', 'a', '--shards', '3'], /Unknown argument: shards/],
    [['teacher.onnx', 'a', '--shard', '3'], /--shard must be i\/n or \/n/],
    [['teacher.onnx', 'a', '--count', '0'], /--count must be a whole number of at least 1/],
    [['teacher.onnx', 'a', '--synthesis', 'magic'], /--synthesis cannot be 'magic'/],
  ])('%j is refused', (args, message) => {
    const { status, stdout, stderr } = cli.run('dream', ...args);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(message);
    expect(readdirSync(cli.path)).toEqual(['teacher.onnx']);
  });

  test('SIGINT in the middle of the second shard leaves the first, and --resume goes on', async () => {
    const args = [
      'dream',
      'teacher.onnx',
      'set',
      '--count',
      '512',
      '--preset',
      'fast',
      '--preprocess',
      'unit',
    ];
    const child = spawn(process.execPath, [CLI, ...args], {
      cwd: cli.path,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    const poll = setInterval(() => {
      // Once: the second one would end the process at once.
      if (readdirSync(cli.path).includes('set') && !child.killed) child.kill('SIGINT');
    }, 20);
    const code = await new Promise((resolve) => child.on('exit', resolve));
    clearInterval(poll);
    expect(code).toBe(130);
    expect(stderr).toMatch(/The run was interrupted; 1 of 2 shards are in 'set', whole/);
    expect(readdirSync(join(cli.path, 'set'))).toEqual(['shard-00000-of-00002.safetensors']);
  });
});
