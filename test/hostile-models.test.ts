import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DfkdError } from '../converters/errors.js';
import { readModel } from '../converters/read.js';
import { validateModel } from '../converters/validate.js';
import { inspectModel } from '../src/inspect.js';
import { lowerModel } from '../src/network/lower.js';
import { formatInspection } from '../src/report/terminal.js';
import { HOSTILE_MODELS } from './support/hostile-models.js';
import { runCli } from './support/run-cli.js';

const SECONDS = 10;

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'hostile-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

async function codeOf(work: () => Promise<unknown>): Promise<string> {
  try {
    await work();
    return 'accept';
  } catch (error) {
    if (!(error instanceof DfkdError)) throw error;
    // One sentence on one line that a person would read to its end.
    expect(error.message).toMatch(/^[^\n]{1,1600}\.$/);
    return error.code;
  }
}

describe('hostile files are refused in one sentence, or harmless', () => {
  test.each(HOSTILE_MODELS)('$name: $expect', async ({ expect: expected, bytes }) => {
    const path = join(folder, 'model.onnx');
    writeFileSync(path, bytes());
    const start = performance.now();
    // What the main job does with a file before anything runs.
    const code = await codeOf(async () => {
      const model = await readModel(path);
      validateModel(model);
      lowerModel(model, { batch: 2 });
    });
    // Inspection describes models that cannot be worked on, too.
    const inspection = await codeOf(async () => {
      const text = formatInspection(await inspectModel(path));
      expect(text.length).toBeLessThan(20_000);
      expect(text).not.toContain('\x1b');
    });
    expect(performance.now() - start).toBeLessThan(1000 * SECONDS);
    expect(code).toBe(expected);
    expect([expected, 'accept']).toContain(inspection);
  });
});

const BY_COMMAND = [
  'graph as a number',
  'five million empty nodes',
  'a cycle of 100,000',
  'functions that double 60 times and do nothing',
  'a weight that is NaN',
  'an image of 2^40 pixels',
  'a node of 300,000 inputs',
  'subgraphs 500 deep',
];

test('by the command: an exit code, one line, nothing left behind', () => {
  const chosen = HOSTILE_MODELS.filter(({ name }) => BY_COMMAND.includes(name));
  expect(chosen).toHaveLength(BY_COMMAND.length);
  for (const { name, expect: code, bytes } of chosen) {
    writeFileSync(join(folder, 'model.onnx'), bytes());
    const run = runCli(['model.onnx', 'out.onnx', '--json'], folder);
    expect(run.stderr, name).toMatch(/^onnx-dfkd: [^\n]+\n$/);
    expect(JSON.parse(run.stdout), name).toMatchObject({ error: { code } });
    const status = code === 'E_UNSUPPORTED' ? 4 : code === 'E_LIMIT' ? 6 : 3;
    expect(run.status, name).toBe(status);
    expect(readdirSync(folder), name).toEqual(['model.onnx']);
  }
});
