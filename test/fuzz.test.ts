import fc from 'fast-check';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { DfkdError } from '../converters/errors.js';
import { decodeModel } from '../converters/read.js';
import { validateModel } from '../converters/validate.js';
import { lowerModel } from '../src/network/lower.js';
import { runCli } from './support/run-cli.js';
import { encodeTinyTeacher } from './support/tiny-teacher.js';

/** Damaged files: whatever was done to a good one, nothing but a DfkdError may come out, and soon. */

const FAMILIES = fileURLToPath(new URL('../fixtures/families/', import.meta.url));
const family = (file: string) => readFileSync(join(FAMILIES, file));

/** The tiny teacher, raw tensors; one exporter's shape arithmetic; the other's dead chains. */
const MODELS: readonly (readonly [string, Uint8Array])[] = [
  ['teacher', encodeTinyTeacher()],
  ['torchscript', family('mlp-torchscript-9.onnx')],
  ['dynamo', family('mlp-dynamo-noopt-26.onnx')],
];

/** Of each property; fast-check stops there and counts what it tried as passed. */
const BUDGET_MS = 2_500;
const SLOWEST_MS = 2_000;

/** A new seed each time, so that every run tries something else; a failure prints it with the counterexample. */
const seed = Number(process.env['FUZZ_SEED'] ?? Date.now() % 2 ** 31);
const OPTIONS = { seed, numRuns: 100_000, interruptAfterTimeLimit: BUDGET_MS, endOnFailure: true };

/** What the main job does with a file before anything runs. @returns the code of the refusal, if any */
function prepare(bytes: Uint8Array): string | undefined {
  const start = performance.now();
  try {
    const model = decodeModel(bytes);
    validateModel(model);
    lowerModel(model, { batch: 2 });
    return undefined;
  } catch (error) {
    if (!(error instanceof DfkdError)) throw error;
    expect(error.message).toMatch(/^[^\n]+\.$/);
    expect(['E_INTERNAL', 'E_IO', 'E_INTERRUPTED', 'E_QUALITY']).not.toContain(error.code);
    return error.code;
  } finally {
    expect(performance.now() - start).toBeLessThan(SLOWEST_MS);
  }
}

describe.each(MODELS)('%s', (_, good) => {
  const position = fc.nat(good.length - 1);

  test('as it is, is accepted', () => {
    expect(prepare(good)).toBeUndefined();
  });

  test('cut off at any byte, is refused', () => {
    for (let length = 0; length < good.length; length++) {
      const code = prepare(good.subarray(0, length));
      // What is cut between two fields of the model is a model still, if it has its graph and opset.
      if (code === undefined) expect(() => decodeModel(good.subarray(0, length))).not.toThrow();
      else expect(['E_PARSE', 'E_MODEL'], `cut at ${length}`).toContain(code);
    }
  });

  test('bytes changed', () => {
    const changes = fc.array(fc.tuple(position, fc.integer({ min: 1, max: 255 })), {
      minLength: 1,
      maxLength: 8,
    });
    fc.assert(
      fc.property(changes, (flips) => {
        const bytes = Uint8Array.from(good);
        for (const [at, mask] of flips) bytes[at] ^= mask;
        prepare(bytes);
      }),
      OPTIONS,
    );
  });

  test('parts of it or of another put where they do not belong', () => {
    const source = fc.constantFrom(...MODELS.map(([, bytes]) => bytes));
    fc.assert(
      fc.property(source, position, position, fc.nat(), fc.nat(400), (other, from, to, start, length) => {
        const at = start % other.length;
        const [first, last] = from < to ? [from, to] : [to, from];
        prepare(
          Buffer.concat([good.subarray(0, first), other.subarray(at, at + length), good.subarray(last)]),
        );
      }),
      OPTIONS,
    );
  });
});

test('by the command: no stack trace, nothing left behind', () => {
  const folder = mkdtempSync(join(tmpdir(), 'fuzz-'));
  try {
    const damages = fc.tuple(
      fc.constantFrom(...MODELS),
      fc.nat(),
      fc.integer({ min: 1, max: 255 }),
      fc.boolean(),
    );
    for (const [[, good], place, mask, cut] of fc.sample(damages, { seed, numRuns: 6 })) {
      const at = place % good.length;
      const bytes = Uint8Array.from(cut ? good.subarray(0, at) : good);
      if (!cut) bytes[at] ^= mask;
      writeFileSync(join(folder, 'model.onnx'), bytes);
      const run = runCli(['inspect', 'model.onnx', '--json'], folder);
      const what = `seed ${seed}, byte ${at}, ${cut ? 'cut' : `changed by ${mask}`}`;
      expect([0, 3, 4, 6], what).toContain(run.status);
      expect(run.stderr, what).toMatch(run.status === 0 ? /^$/ : /^onnx-dfkd: [^\n]+\n$/);
      expect(JSON.parse(run.stdout), what).toBeTypeOf('object');
      expect(readdirSync(folder), what).toEqual(['model.onnx']);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});
