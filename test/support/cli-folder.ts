import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import { type CliRun, runCli } from './run-cli.js';
import { encodeTinyTeacher } from './tiny-teacher.js';

/** A folder for each test of the calling file, with the tiny teacher as `teacher.onnx`, and the command run in it. */
export interface CliFolder {
  readonly path: string;
  readonly run: (...args: string[]) => CliRun;
  readonly write: (name: string, content: string | Uint8Array) => void;
}

export function useCliFolder(): CliFolder {
  let path = '';
  beforeEach(() => {
    path = mkdtempSync(join(tmpdir(), 'cli-'));
    writeFileSync(join(path, 'teacher.onnx'), encodeTinyTeacher());
  });
  afterEach(() => {
    rmSync(path, { recursive: true });
  });
  return {
    get path() {
      return path;
    },
    run: (...args) => runCli(args, path),
    write: (name, content) => {
      writeFileSync(join(path, name), content);
    },
  };
}
