import { closeSync, constants, fstatSync, openSync, readSync, realpathSync, type Stats } from 'node:fs';
import { join, normalize } from 'node:path';
import { DfkdError } from './errors.js';
import { checkMemory } from './memory.js';
import type { ExternalReader } from './read-tensor.js';
import type { TensorProto } from './schema/index.js';

/**
 * Reads external data by position from plain files in `folder` or below, and from nowhere else: a model file is not to
 * make us read what its sender could not. Source: https://github.com/onnx/onnx/blob/main/docs/ExternalData.md
 */
export function createExternalReader(folder: string, maxMemory?: number): ExternalReader {
  let total = 0;
  return (tensor, what, byteLength) => {
    const place = parsePlace(tensor, what);
    if (place.length !== undefined && place.length !== byteLength) {
      throw new DfkdError(
        'E_EXTERNAL',
        `${what} needs ${byteLength} bytes of external data, but its length is ${place.length}.`,
      );
    }
    total += byteLength;
    checkMemory("The model's external data", total, maxMemory);
    return readRange(folder, place.location, place.offset, byteLength, what);
  };
}

interface Place {
  readonly location: string;
  readonly offset: number;
  readonly length: number | undefined;
}

function parsePlace(tensor: TensorProto, what: string): Place {
  const entries = new Map<string, string>();
  for (const { key, value } of tensor.externalData ?? []) {
    if (entries.has(key ?? '')) {
      throw new DfkdError('E_EXTERNAL', `${what} gives '${key}' of its external data twice.`);
    }
    entries.set(key ?? '', value ?? '');
  }
  const location = entries.get('location');
  if (!location) throw new DfkdError('E_EXTERNAL', `${what} is external data without a location.`);
  checkLocation(location, what);
  return {
    location,
    offset: parseCount(entries.get('offset'), 'offset', what) ?? 0,
    length: parseCount(entries.get('length'), 'length', what),
  };
}

function checkLocation(location: string, what: string): void {
  const parts = location.split(/[/\\]/);
  const isAbsolute = parts[0] === '' || /^[A-Za-z]:/.test(location);
  if (isAbsolute || parts.includes('..') || location.includes('\0') || location.includes('_ORT_MEM_ADDR_')) {
    throw new DfkdError(
      'E_EXTERNAL',
      `${what} points to ${JSON.stringify(location)}; external data must lie in the model's folder or below it.`,
    );
  }
}

function parseCount(text: string | undefined, name: string, what: string): number | undefined {
  if (text === undefined) return undefined;
  const value = /^\d+$/.test(text) ? Number(text) : NaN;
  if (!Number.isSafeInteger(value)) {
    throw new DfkdError('E_EXTERNAL', `${what} has external data with the ${name} ${JSON.stringify(text)}.`);
  }
  return value;
}

/** Bytes per call: Node refuses 2 GiB and more. */
const MOST_AT_ONCE = 2 ** 30;

function readRange(
  folder: string,
  location: string,
  offset: number,
  length: number,
  what: string,
): Uint8Array {
  const descriptor = openInside(folder, location, what);
  try {
    const size = checkRegular(fstatSync(descriptor), location, what).size;
    if (offset + length > size) {
      throw new DfkdError(
        'E_EXTERNAL',
        `${what} needs bytes ${offset} to ${offset + length} of '${location}', which has only ${size}.`,
      );
    }
    const bytes = new Uint8Array(length);
    let done = 0;
    while (done < length) {
      const read = readSync(descriptor, bytes, done, Math.min(length - done, MOST_AT_ONCE), offset + done);
      if (read === 0) throw new DfkdError('E_EXTERNAL', `'${location}' became shorter while it was read.`);
      done += read;
    }
    return bytes;
  } finally {
    closeSync(descriptor);
  }
}

/** Opens without following links (the last part by O_NOFOLLOW, folders by comparing real paths) or waiting on a pipe. */
function openInside(folder: string, location: string, what: string): number {
  const isInside = (path: string) => path === join(realpathSync(folder), normalize(location));
  try {
    const path = realpathSync(join(folder, location));
    if (isInside(path)) {
      return openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    }
  } catch (cause) {
    throw new DfkdError(
      'E_EXTERNAL',
      `${what} needs the file '${location}' next to the model: ${reason(cause)}.`,
      {
        cause,
      },
    );
  }
  throw new DfkdError('E_EXTERNAL', `${what} points to '${location}', which is a symbolic link.`);
}

function checkRegular(stats: Stats, location: string, what: string): Stats {
  // A second name of a file elsewhere is as good as a symbolic link to it.
  if (stats.isFile() && stats.nlink > 1) {
    throw new DfkdError(
      'E_EXTERNAL',
      `${what} points to '${location}', which has hard links; copy it instead.`,
    );
  }
  if (stats.isFile()) return stats;
  throw new DfkdError('E_EXTERNAL', `${what} points to '${location}', which is not a regular file.`);
}

function reason(cause: unknown): string {
  const code = (cause as NodeJS.ErrnoException).code;
  return code === 'ENOENT' ? 'there is none' : `it cannot be opened (${code ?? String(cause)})`;
}
