import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { dirname, join } from 'node:path';
import { DfkdError } from '../../../converters/errors.js';
import type { Model } from '../../../converters/model.js';
import type { Preprocessing } from '../../preprocess.js';
import type { SynthesisName } from '../synthesis.js';
import { isObject } from './safetensors.js';

/**
 * All that decides what a set of dreams holds. A shard is a function of its plan and its index: made twice (by one
 * version, on one kind of machine) it has the same bytes.
 */
export interface DreamPlan {
  readonly version: string;
  readonly teacher: {
    readonly sha256: string;
    /** SHA-256 of the files that hold its external data, by name. */
    readonly data?: Readonly<Record<string, string>>;
  };
  readonly seed: number;
  readonly config: {
    readonly synthesis: SynthesisName;
    /** Of the method: iterations, weights and the like. */
    readonly options: object;
    /** Shape of one image: [channels, height, width]. */
    readonly input: readonly number[];
    /** Name of the teacher's output with the class scores. */
    readonly output: string;
    readonly preprocessing: PlannedPreprocessing;
    /** Images in all, over this many shards. */
    readonly count: number;
    readonly shards: number;
  };
}

/** The model's input is `scale * u + offset`, per channel, of u = (pixel / 255 - 0.45) / 0.25. */
export type PlannedPreprocessing = Pick<Preprocessing, 'scale' | 'offset' | 'range'>;

export function planPreprocessing({ scale, offset, range }: Preprocessing): PlannedPreprocessing {
  return { scale, offset, range };
}

/** Whether two ways from pixels to the model's input are the same, whatever they are called. */
export function isSamePreprocessing(a: PlannedPreprocessing, b: PlannedPreprocessing): boolean {
  const text = ({ scale, offset, range }: PlannedPreprocessing) => JSON.stringify([scale, offset, range]);
  return text(a) === text(b);
}

/** The images of shard `index`: from `first` on, `size` of them. Shards differ in size by one at most. */
export function shardRange(
  { count, shards }: Pick<DreamPlan['config'], 'count' | 'shards'>,
  index: number,
): { first: number; size: number } {
  const first = Math.floor((index * count) / shards);
  return { first, size: Math.floor(((index + 1) * count) / shards) - first };
}

/** `shard-00003-of-00008.safetensors`, counted from 0. */
export function shardName(index: number, shards: number): string {
  const digits = (value: number) => String(value).padStart(5, '0');
  return `shard-${digits(index)}-of-${digits(shards)}.safetensors`;
}

/** The inverse of `shardName`; undefined for the name of another file. */
export function parseShardName(name: string): { index: number; shards: number } | undefined {
  const match = /^shard-(\d{5,9})-of-(\d{5,9})\.safetensors$/.exec(name);
  return match ? { index: Number(match[1]), shards: Number(match[2]) } : undefined;
}

/** What the plan says of the teacher at `path`. Throws E_IO. */
export async function identifyTeacher(
  path: string,
  { bytes, externalFiles }: Model,
): Promise<DreamPlan['teacher']> {
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  if (externalFiles.size === 0) return { sha256 };
  const data: [string, string][] = [];
  for (const name of [...externalFiles].sort()) data.push([name, await hashFile(join(dirname(path), name))]);
  return { sha256, data: Object.fromEntries(data) };
}

/** SHA-256 of a file of any size, as hexadecimal digits. Throws E_IO. */
export async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  try {
    for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  } catch (error) {
    throw new DfkdError('E_IO', `Cannot read '${path}': ${(error as Error).message}.`, { cause: error });
  }
  return hash.digest('hex');
}

/** Reads a plan that someone else may have written; `name` is the file's. Throws E_PARSE. */
export function parsePlan(value: unknown, name: string): DreamPlan {
  const fail = (what: string): never => {
    throw new DfkdError(
      'E_PARSE',
      `'${name}' does not describe dreams: its ${what} is missing or malformed.`,
    );
  };
  const object = (of: unknown, what: string) => (isObject(of) ? of : fail(what));
  const plan = object(value, 'plan');
  const teacher = object(plan['teacher'], 'teacher');
  const config = object(plan['config'], 'config');
  const preprocessing = object(config['preprocessing'], 'preprocessing');
  const { input, count, shards } = config;
  if (typeof plan['version'] !== 'string') fail('version');
  if (!/^[0-9a-f]{64}$/.test(String(teacher['sha256']))) fail("teacher's SHA-256");
  if (!isWhole(plan['seed'], 0)) fail('seed');
  if (typeof config['synthesis'] !== 'string' || !isObject(config['options'])) fail('synthesis');
  if (typeof config['output'] !== 'string') fail('output');
  if (!Array.isArray(input) || input.length !== 3 || !input.every((size) => isWhole(size, 1))) fail('input');
  if (!isWhole(count, 1) || !isWhole(shards, 1) || shards > count) fail('number of images or shards');
  const [channels] = input as number[];
  const { scale, offset, range } = preprocessing;
  if (!isNumbers(scale, channels) || !isNumbers(offset, channels)) fail('preprocessing');
  const bounds = isObject(range) ? [range['low'], range['high']] : [];
  if (range !== null && !isNumbers(bounds, 2)) fail('range of pixels');
  return value as DreamPlan;
}

function isWhole(value: unknown, least: number): value is number {
  return Number.isSafeInteger(value) && (value as number) >= least;
}

function isNumbers(value: unknown, length: number): boolean {
  return Array.isArray(value) && value.length === length && value.every(Number.isFinite);
}
