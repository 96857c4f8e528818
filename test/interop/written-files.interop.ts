import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { writeEveryKind } from '../support/written-files.js';

/** A Python with onnx, onnxruntime and numpy. */
const PYTHON = process.env['ONNX_PYTHON'] ?? 'python3';
const SCRIPT = fileURLToPath(new URL('check_files.py', import.meta.url));

const probe = spawnSync(
  PYTHON,
  ['-c', 'import numpy, onnx, onnxruntime; print(onnx.__version__, onnxruntime.__version__)'],
  {
    encoding: 'utf8',
  },
);
const hasOnnx = probe.status === 0;
console.log(
  hasOnnx
    ? `onnx and onnxruntime ${probe.stdout.trim()}`
    : `Skipped: '${PYTHON}' has no onnx and onnxruntime; name one that has in ONNX_PYTHON.`,
);

const folder = mkdtempSync(join(tmpdir(), 'interop-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

interface Verdict {
  readonly path: string;
  /** What onnx.checker (full) says, null where it accepts the file. */
  readonly checker: string | null;
  /** What onnxruntime says, null where it runs the file. */
  readonly onnxruntime: string | null;
}

test.skipIf(!hasOnnx)(
  'onnx.checker and onnxruntime take every file we write as they take its teacher',
  async () => {
    const files = await writeEveryKind(folder);
    const paths = files.flatMap(({ teacher, student }) => [teacher, student]);
    const run = spawnSync(PYTHON, [SCRIPT, ...paths], { encoding: 'utf8' });
    expect([run.status, run.stderr]).toEqual([0, expect.any(String)]);
    const verdicts = new Map((JSON.parse(run.stdout) as Verdict[]).map((verdict) => [verdict.path, verdict]));
    for (const { name, teacher, student } of files) {
      const [before, after] = [verdicts.get(teacher)!, verdicts.get(student)!];
      expect([name, after.checker]).toEqual([name, null]);
      // onnxruntime has no convolutions of bfloat16 and double: such files it refuses, before and after.
      const isStrange = /^(bfloat16|double)/.test(name);
      expect([name, before.onnxruntime !== null, after.onnxruntime !== null]).toEqual([
        name,
        isStrange,
        isStrange,
      ]);
    }
    console.log(
      `${files.length} files: onnx.checker takes all, onnxruntime all but those of bfloat16 and double.`,
    );
  },
);
