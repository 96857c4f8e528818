import { DfkdError } from '../converters/errors.js';
import { checkMemory } from '../converters/memory.js';
import type { Dreams } from './dream/dream.js';
import { hashFile, isSamePreprocessing, planPreprocessing } from './dream/shards/plan.js';
import { readManifest, readSet } from './dream/shards/set.js';
import { restoreImages } from './dream/shards/shard.js';
import type { HostTensor } from './engine/engine.js';
import { readNpy } from './npy.js';
import type { MemoryOptions } from './open-model.js';
import { toModelInput } from './preprocess.js';
import { copyTeacher } from './student.js';
import type { Teacher } from './teacher.js';
import { topClasses } from './verify/evaluate.js';

export interface ReadOptions extends MemoryOptions {
  /** Images that the caller needs. */
  readonly least: number;
}

/**
 * Images from disk in place of dreams made now: a set that `onnx-dfkd dream` made from this very teacher, or a .npy of
 * uint8 images [count, channels, height, width], whose targets are what the teacher takes them for.
 * @param teacherPath the teacher's file, whose SHA-256 the set must name
 * Throws E_LIMIT; E_ARG where there are too few, or where the images are not this teacher's, E_PARSE, E_TENSOR, E_SHAPE, E_IO.
 */
export async function readDreams(
  path: string,
  teacherPath: string,
  teacher: Teacher,
  options: ReadOptions,
): Promise<Dreams> {
  return path.endsWith('.npy')
    ? readImages(path, teacher, options)
    : readDreamSet(path, teacherPath, teacher, options);
}

function checkShape(
  path: string,
  [count, ...item]: readonly number[],
  { network }: Teacher,
  options: ReadOptions,
): void {
  const { least, maxMemory } = options;
  const expected = network.input.shape.slice(1);
  const bytes = 4 * expected.reduce((product, size) => product * size, count);
  if (item.join() !== expected.join()) {
    throw new DfkdError(
      'E_SHAPE',
      `'${path}' holds images of shape [${item.join(', ')}]; the teacher takes [${expected.join(', ')}].`,
    );
  }
  if (count < least) {
    throw new DfkdError('E_ARG', `'${path}' holds ${count} images; at least ${least} are needed.`);
  }
  checkMemory(`The images of '${path}'`, bytes, maxMemory);
}

async function readDreamSet(
  path: string,
  teacherPath: string,
  teacher: Teacher,
  options: ReadOptions,
): Promise<Dreams> {
  const manifest = await readManifest(path);
  const { config, teacher: of } = manifest.plan;
  if (of.sha256 !== (await hashFile(teacherPath))) {
    throw new DfkdError(
      'E_ARG',
      `The dreams in '${path}' were made from another teacher, of SHA-256 ${of.sha256}.`,
    );
  }
  const { preprocessing } = teacher;
  if (!isSamePreprocessing(config.preprocessing, planPreprocessing(preprocessing))) {
    throw new DfkdError(
      'E_ARG',
      `The dreams in '${path}' were made with another preprocessing; pass the same --preprocess, or --mean and --std.`,
    );
  }
  checkShape(path, [config.count, ...config.input], teacher, options);
  const parts: HostTensor[] = [];
  const targets: number[] = [];
  for await (const shard of readSet(path, manifest)) {
    parts.push(restoreImages(shard.images, preprocessing));
    targets.push(...shard.targets);
  }
  return { images: concatenate(parts), targets };
}

async function readImages(path: string, teacher: Teacher, options: ReadOptions): Promise<Dreams> {
  const { type, shape, data } = await readNpy(path);
  if (!(data instanceof Uint8Array) || shape.length !== 4) {
    throw new DfkdError(
      'E_TENSOR',
      `'${path}' holds ${type} of shape (${shape.join(', ')}); images are uint8 of shape (count, channels, height, width).`,
    );
  }
  checkShape(path, shape, teacher, options);
  const images = toModelInput(data, shape, teacher.preprocessing);
  const { network, classifier } = teacher;
  const logits = await classifier.logits(copyTeacher(network), images);
  return { images, targets: topClasses(logits.data, network.output.classes) };
}

function concatenate(parts: readonly HostTensor[]): HostTensor {
  const count = parts.reduce((sum, { shape }) => sum + shape[0], 0);
  const data = new Float32Array(parts.reduce((sum, part) => sum + part.data.length, 0));
  let at = 0;
  for (const part of parts) {
    data.set(part.data, at);
    at += part.data.length;
  }
  return { shape: [count, ...parts[0].shape.slice(1)], data };
}
