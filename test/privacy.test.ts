import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type CliRun, runCli } from './support/run-cli.js';
import { encodeTinyTeacher } from './support/tiny-teacher.js';

/** A new network namespace has one interface, the loopback, and it is down. */
const NO_NETWORK = ['unshare', '--map-root-user', '--net'];
const interfaces = spawnSync(NO_NETWORK[0], [...NO_NETWORK.slice(1), 'cat', '/proc/net/dev'], {
  encoding: 'utf8',
});
const allowed = interfaces.status === 0;

let folder: string;
let offline: CliRun;

/** An environment in which every place that programs keep things in lies in an empty folder. */
function emptyHome(name: string): NodeJS.ProcessEnv {
  const home = join(folder, name);
  mkdirSync(home);
  const { PATH } = process.env;
  return { PATH, HOME: home, TMPDIR: home };
}

/** The whole job, every stage of it, with the report. */
function runJob(name: string, wrapper: readonly string[], seed = '0'): CliRun {
  const args = ['teacher.onnx', `${name}.onnx`, '--preset', 'fast', '--preprocess', 'unit', '--seed', seed];
  return runCli([...args, '--report', `${name}.html`, '--json'], folder, { wrapper, env: emptyHome(name) });
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'privacy-'));
  writeFileSync(join(folder, 'teacher.onnx'), encodeTinyTeacher());
  offline = runJob('offline', allowed ? NO_NETWORK : []);
}, 240_000);
afterAll(() => {
  rmSync(folder, { recursive: true });
});

describe('privacy', () => {
  test.skipIf(!allowed)(
    'the whole job runs without any network (skipped where namespaces are not allowed)',
    () => {
      // The namespace is what it should be: no interface but the loopback.
      expect(interfaces.stdout.match(/^ *\w+(?=:)/gm)).toEqual([expect.stringContaining('lo')]);
      expect(offline.status, offline.stderr).toBe(0);
      const result = JSON.parse(offline.stdout) as { agreement: object; stages: { name: string }[] };
      expect(result.stages.map(({ name }) => name)).toEqual([
        ...[
          'read',
          'plan',
          'companions',
          'dream',
          'prune',
          'statistics',
          'match',
          'reconstruct',
          'distil',
          'write',
        ],
      ]);
      expect(readFileSync(join(folder, 'offline.html'), 'utf8')).toContain('data:image/png;base64,');
    },
  );

  test('no file appears in the home folder or the temporary folder', () => {
    expect(offline.status, offline.stderr).toBe(0);
    expect(readdirSync(join(folder, 'offline'), { recursive: true })).toEqual([]);
  });

  test('nothing appears beside the input but what was asked for', () => {
    expect(readdirSync(folder).sort()).toEqual(['offline', 'offline.html', 'offline.onnx', 'teacher.onnx']);
  });

  test('evaluation, verification and inspection leave nothing behind either', () => {
    const env = emptyHome('others');
    for (const args of [
      ['inspect', 'teacher.onnx'],
      ['verify', 'teacher.onnx', 'offline.onnx'],
    ]) {
      expect(runCli(args, folder, { env }).status).toBe(0);
    }
    expect(readdirSync(env['HOME']!, { recursive: true })).toEqual([]);
  });

  test('the same seed in another process gives the same bytes, another seed others', () => {
    const file = (name: string) => readFileSync(join(folder, `${name}.onnx`));
    expect(runJob('again', []).status).toBe(0);
    expect(file('again').equals(file('offline'))).toBe(true);
    expect(runJob('other', [], '1').status).toBe(0);
    expect(file('other').equals(file('offline'))).toBe(false);
  }, 240_000);
});
