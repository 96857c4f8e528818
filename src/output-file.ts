import { randomUUID } from 'node:crypto';
import { existsSync, renameSync, rmSync } from 'node:fs';
import { mkdir, open, realpath, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { DfkdError } from '../converters/errors.js';
import type { Model } from '../converters/model.js';
import type { ExternalFile } from '../converters/external-layout.js';

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

/** The file that takes the external data of a model, named as PyTorch names it. */
export function dataPath(output: string): string {
  return `${output}.data`;
}

/** As `checkOutput`, for the data beside the output, and of all that is written against the teacher's own data. */
export async function checkDataOutput(
  input: string,
  output: string,
  { externalFiles }: Pick<Model, 'externalFiles'>,
  { force, report }: { readonly force: boolean; readonly report?: string | undefined },
): Promise<void> {
  for (const name of externalFiles) {
    const data = join(dirname(input), name);
    await checkOutput(data, output, true);
    await checkOutput(data, dataPath(output), force);
    if (report !== undefined) await checkOutput(data, report, true);
  }
  if (report !== undefined && externalFiles.size > 0 && resolve(report) === resolve(dataPath(output))) {
    throw new DfkdError(
      'E_ARG',
      `The report '${report}' is where the output's data goes; choose another name.`,
    );
  }
}

/**
 * Writes a file as a whole or not at all, with the file `beside` it if there is one: into a temporary folder next to
 * it, where `accept` is given its path, then moved into place; gives what `accept` gave. Whatever fails, the temporary
 * folder goes and what was there before stays. Throws E_IO, and what `accept` throws.
 */
export async function writeWhole<T>(
  path: string,
  bytes: Uint8Array,
  accept: (temporary: string) => Promise<T>,
  beside: ExternalFile | null = null,
): Promise<T> {
  const folder = join(dirname(path), `.${basename(path)}.${randomUUID().slice(0, 8)}.tmp`);
  try {
    await mkdir(folder);
    if (beside) await writeSynced(join(folder, beside.location), beside.chunks);
    await writeSynced(join(folder, basename(path)), [bytes]);
    const accepted = await accept(join(folder, basename(path)));
    moveIntoPlace(folder, dirname(path), basename(path), beside?.location);
    return accepted;
  } catch (error) {
    if (error instanceof DfkdError) throw error;
    throw new DfkdError('E_IO', `'${path}' cannot be written: ${reason(error)}.`, { cause: error });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * Without a pause in which a signal could end the process. The model comes last, so that it never stands without its
 * data; where it cannot take its place, the data that was there before comes back.
 */
function moveIntoPlace(from: string, to: string, name: string, data: string | undefined): void {
  const old = join(from, 'replaced');
  const isReplaced = data !== undefined && existsSync(join(to, data));
  if (isReplaced) renameSync(join(to, data), old);
  try {
    if (data !== undefined) renameSync(join(from, data), join(to, data));
    renameSync(join(from, name), join(to, name));
  } catch (error) {
    if (data !== undefined) rmSync(join(to, data), { force: true });
    if (isReplaced) renameSync(old, join(to, data));
    throw error;
  }
}

/** The bytes are on the disk when this resolves, so that a power cut leaves the old file or the new one. */
async function writeSynced(path: string, chunks: readonly Uint8Array[]): Promise<void> {
  const file = await open(path, 'wx');
  try {
    for (const chunk of chunks) await file.writeFile(chunk);
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
