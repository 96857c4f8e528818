import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { DfkdError } from '../converters/errors.js';
import { readModel } from '../converters/read.js';
import { validateModel } from '../converters/validate.js';
import { lowerModel } from '../src/network/lower.js';

const FOLDER = new URL('../../shared/bad-models/', import.meta.url).pathname;
const isPresent = existsSync(FOLDER);

interface Entry {
  readonly id: string;
  readonly expect: string;
  readonly message: string;
}

const entries: Entry[] = isPresent
  ? (JSON.parse(readFileSync(join(FOLDER, 'manifest.json'), 'utf8')) as Entry[])
  : [];

/** What the main job does with a file before anything runs. */
async function prepare(path: string): Promise<void> {
  const model = await readModel(path);
  validateModel(model);
  lowerModel(model, { batch: 1 });
}

describe.skipIf(!isPresent)('malformed and hostile files of ../shared (skipped without it)', () => {
  test.each(entries)('$id: $expect, $message', async ({ id, expect: expected }) => {
    const attempt = prepare(join(FOLDER, id, 'model.onnx'));
    if (expected === 'accept') {
      await attempt;
      return;
    }
    const error: unknown = await attempt.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(DfkdError);
    expect((error as DfkdError).code).toBe(expected);
    // One sentence on one line.
    expect((error as DfkdError).message).toMatch(/^[^\n]+\.$/);
  });
});
