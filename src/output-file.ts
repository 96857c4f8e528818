import { randomUUID } from 'node:crypto';
import { open, realpath, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { DfkdError } from '../converters/errors.js';

/**
 * Refuses, before any work, an output that is the input (also through links), that exists while `force` is off, or
 * whose folder is missing. Throws E_ARG.
 */
export async function checkOutput(input: string, output: string, force: boolean): Promise<void> {
  const folder = await orNull(realpath(dirname(resolve(output))));
  if (folder === null) {
    throw new DfkdError('E_ARG', `The folder of the output '${output}' does not exist; create it first.`);
  }
  const source = await orNull(realpath(input));
  const target = (await orNull(realpath(output))) ?? join(folder, basename(output));
  if (source === target || (source === null && resolve(input) === target)) {
    throw new DfkdError('E_ARG', `The output '${output}' is the input; choose another name.`);
  }
  const existing = await orNull(stat(output));
  if (existing?.isDirectory())
    throw new DfkdError('E_ARG', `The output '${output}' is a folder; name a file.`);
  if (existing && !force) {
    throw new DfkdError('E_ARG', `The output '${output}' exists; pass --force to replace it.`);
  }
}

/**
 * Writes a file as a whole or not at all: into a temporary file of the same folder, which is given to `accept`, then
 * renamed into place; gives what `accept` gave. Whatever fails, the temporary file goes. Throws E_IO, and what `accept` throws.
 */
export async function writeWhole<T>(
  path: string,
  bytes: Uint8Array,
  accept: (temporary: string) => Promise<T>,
): Promise<T> {
  const temporary = join(dirname(path), `.${basename(path)}.${randomUUID().slice(0, 8)}.tmp`);
  try {
    await writeSynced(temporary, bytes);
    const accepted = await accept(temporary);
    await rename(temporary, path);
    return accepted;
  } catch (error) {
    if (error instanceof DfkdError) throw error;
    throw new DfkdError('E_IO', `'${path}' cannot be written: ${reason(error)}.`, { cause: error });
  } finally {
    await rm(temporary, { force: true });
  }
}

/** The bytes are on the disk when this resolves, so that a power cut leaves the old file or the new one. */
async function writeSynced(path: string, bytes: Uint8Array): Promise<void> {
  const file = await open(path, 'wx');
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function orNull<T>(promise: Promise<T>): Promise<T | null> {
  try {
    return await promise;
  } catch {
    return null;
  }
}

function reason(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}
