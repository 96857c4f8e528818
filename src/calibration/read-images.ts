import { readdir, readFile, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { PNG } from 'pngjs';
import { DfkdError } from '../../converters/errors.js';
import { readNpy } from '../npy.js';
import type { Planes } from './resize.js';

/** Pixels of one PNG file; a small file may claim to hold terabytes. */
const MAX_PIXELS = 2 ** 26;
/** Kinds of images that are not read; other files of a folder (labels, notes) are none of our business. */
const OTHER_IMAGES = new Set(['.jpg', '.jpeg', '.webp', '.gif', '.bmp', '.tif', '.tiff', '.heic', '.avif']);

/** The images of one file, in order; `name` is the file's path. */
export interface ImageFile {
  readonly name: string;
  readonly images: readonly Planes[];
}

/**
 * Finds the image files behind a path: itself, or the .png and .npy files of a folder by name.
 * @returns with them the number of files left out because their kind is not read
 * @throws DfkdError E_IO where the path cannot be read, E_ARG where there is no such file
 */
export async function findImageFiles(path: string): Promise<{ files: string[]; skipped: number }> {
  const names = await listFolder(path);
  if (names === null) return { files: [path], skipped: 0 };
  const kind = (name: string) => extname(name).toLowerCase();
  const files = names.filter((name) => kind(name) === '.png' || kind(name) === '.npy');
  const skipped = names.filter((name) => OTHER_IMAGES.has(kind(name))).length;
  if (files.length === 0) {
    const found = skipped === 0 ? '' : ` (but ${skipped} images of other kinds, which are not read)`;
    throw new DfkdError('E_ARG', `The folder '${path}' holds no .png or .npy file${found}.`);
  }
  return { files: files.sort().map((name) => join(path, name)), skipped };
}

/** Names of the files in a folder; null where the path is none. */
async function listFolder(path: string): Promise<string[] | null> {
  try {
    return (await stat(path)).isDirectory() ? await readdir(path) : null;
  } catch (error) {
    throw new DfkdError('E_IO', `Cannot read '${path}': ${(error as Error).message}.`, { cause: error });
  }
}

/** Throws E_IO, E_PARSE, E_TENSOR, E_LIMIT; E_ARG for files that are neither PNG nor .npy. */
export async function readImageFile(path: string): Promise<ImageFile> {
  switch (extname(path).toLowerCase()) {
    case '.png':
      return { name: path, images: [await readPng(path)] };
    case '.npy':
      return { name: path, images: await readArray(path) };
    default:
      throw new DfkdError(
        'E_ARG',
        `'${path}' is neither a folder nor a .png or .npy file; other images are not read.`,
      );
  }
}

/** uint8 [count, channels, height, width]. */
async function readArray(path: string): Promise<Planes[]> {
  const { type, shape, data } = await readNpy(path);
  if (!(data instanceof Uint8Array) || shape.length !== 4) {
    throw new DfkdError(
      'E_TENSOR',
      `'${path}' holds ${type} of shape (${shape.join(', ')}); images are uint8 of shape (count, channels, height, width).`,
    );
  }
  const [count, channels, height, width] = shape;
  const size = channels * height * width;
  return Array.from({ length: size === 0 ? 0 : count }, (_, i) => ({
    channels,
    height,
    width,
    data: Float32Array.from(data.subarray(i * size, (i + 1) * size)),
  }));
}

/** Red, green, blue and opacity, whatever the file holds. */
async function readPng(path: string): Promise<Planes> {
  const { width, height, data } = decodePng(await readBytes(path), path);
  const plane = width * height;
  const planes = new Float32Array(4 * plane);
  for (let i = 0; i < plane; i++) for (let c = 0; c < 4; c++) planes[c * plane + i] = data[4 * i + c];
  return { channels: 4, height, width, data: planes };
}

async function readBytes(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    throw new DfkdError('E_IO', `Cannot read '${path}': ${(error as Error).message}.`, { cause: error });
  }
}

function decodePng(bytes: Buffer, path: string): PNG {
  // The header chunk comes first: signature (8), length and type (8), width (4), height (4).
  if (bytes.length >= 24 && bytes.readUInt32BE(16) * bytes.readUInt32BE(20) > MAX_PIXELS) {
    throw new DfkdError('E_LIMIT', `'${path}' has more than ${MAX_PIXELS} pixels.`);
  }
  try {
    return PNG.sync.read(bytes);
  } catch (error) {
    throw new DfkdError('E_PARSE', `'${path}' is not a valid PNG file: ${(error as Error).message}.`, {
      cause: error,
    });
  }
}
