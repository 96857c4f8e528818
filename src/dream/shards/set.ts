import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DfkdError, EXIT_STATUS } from '../../../converters/errors.js';
import { writeWhole } from '../../output-file.js';
import { hashFile, parsePlan, parseShardName, shardName, shardRange, type DreamPlan } from './plan.js';
import { isObject } from './safetensors.js';
import { decodeShard, encodeShard, type Shard } from './shard.js';

/** A set of dreams is a folder with the shards of one plan, and a manifest once all of them are there. */
export const MANIFEST = 'manifest.json';

export interface Manifest {
  readonly plan: DreamPlan;
  readonly shards: readonly { readonly file: string; readonly count: number; readonly sha256: string }[];
}

const FORMAT = 'onnx-dfkd dreams 1';

/** Reads and checks one shard. Throws E_IO, and as `decodeShard`. */
export async function readShard(path: string): Promise<Shard> {
  return decodeShard(await read(path), path);
}

/** Writes a shard as a whole or not at all, whoever else writes the same one at the same time. Throws E_IO. */
export async function writeShard(folder: string, shard: Shard): Promise<void> {
  const name = shardName(shard.index, shard.plan.config.shards);
  await writeFile(join(folder, name), encodeShard(shard));
}

/** Writes a file that needs no check of its own as a whole or not at all. Throws E_IO. */
export async function writeFile(path: string, bytes: Uint8Array): Promise<void> {
  await writeWhole(path, bytes, () => Promise.resolve());
}

/** Names of the shards in a folder, sorted; none where there is no folder. Throws E_ARG where it is a file. */
export async function listShards(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).filter((name) => parseShardName(name)).sort();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return [];
    if (code === 'ENOTDIR') throw new DfkdError('E_ARG', `'${folder}' is a file; name a folder.`);
    throw new DfkdError('E_IO', `Cannot read '${folder}': ${(error as Error).message}.`, { cause: error });
  }
}

/**
 * Whether a shard that is there is whole; a damaged one is as good as missing.
 * Throws E_ARG where a shard of another plan is in its place.
 */
export async function isWhole(folder: string, plan: DreamPlan, index: number): Promise<boolean> {
  const path = join(folder, shardName(index, plan.config.shards));
  try {
    requireSamePlan(plan, await readShard(path), path);
    return true;
  } catch (error) {
    if (error instanceof DfkdError && EXIT_STATUS[error.code] === EXIT_STATUS.E_PARSE) return false;
    throw error;
  }
}

/** Throws E_ARG, naming what differs, where a shard was made with other settings. */
export function requireSamePlan(plan: DreamPlan, shard: Pick<Shard, 'plan'>, path: string): void {
  const parts = (of: DreamPlan) => {
    const { config, seed, teacher, version } = of;
    return Object.entries({ teacher, seed, version, ...config }).map(([k, v]) => [k, JSON.stringify(v)]);
  };
  const theirs = new Map(parts(shard.plan) as [string, string][]);
  for (const [key, value] of parts(plan)) {
    if (theirs.get(key) === value) continue;
    throw new DfkdError(
      'E_ARG',
      `'${path}' was made with other settings: its ${key} is ${theirs.get(key) ?? 'missing'}, not ${value}.`,
    );
  }
}

/** All shards of a plan in order, each checked to belong to it. Throws as `readShard`; E_ARG for one of another plan. */
export async function* readShards(folder: string, plan: DreamPlan): AsyncGenerator<Shard> {
  let first: Shard | undefined;
  for (let index = 0; index < plan.config.shards; index++) {
    const path = join(folder, shardName(index, plan.config.shards));
    const shard = await readShard(path);
    requireSamePlan(plan, shard, path);
    first ??= shard;
    const shapeOf = ({ logits, features, statistics }: Shard) =>
      JSON.stringify([logits.shape[1], features.shape[1], statistics.layers]);
    if (shard.index !== index || shapeOf(shard) !== shapeOf(first)) {
      throw new DfkdError('E_PARSE', `'${path}' does not fit the other shards of its set.`);
    }
    yield shard;
  }
}

/** The content of the manifest of a folder that holds all shards of a plan. */
export async function describeSet(folder: string, plan: DreamPlan): Promise<object> {
  const { config } = plan;
  const shards = [];
  for (let index = 0; index < config.shards; index++) {
    const file = shardName(index, config.shards);
    const sha256 = await hashFile(join(folder, file));
    shards.push({ file, count: shardRange(config, index).size, sha256 });
  }
  return { format: FORMAT, ...plan, shards };
}

/** Reads the manifest of a complete set. Throws E_ARG where there is none, E_PARSE where it is malformed. */
export async function readManifest(folder: string): Promise<Manifest> {
  const path = join(folder, MANIFEST);
  if (!(await exists(folder, MANIFEST))) {
    throw new DfkdError(
      'E_ARG',
      `'${folder}' holds no complete set of dreams; onnx-dfkd dream makes one, and --merge completes one of shards.`,
    );
  }
  let manifest: unknown;
  try {
    manifest = JSON.parse((await read(path)).toString('utf8'));
  } catch (error) {
    if (error instanceof DfkdError) throw error;
    throw new DfkdError('E_PARSE', `'${path}' is not JSON.`);
  }
  if (!isObject(manifest) || manifest['format'] !== FORMAT) {
    throw new DfkdError('E_PARSE', `'${path}' is not a manifest of dreams.`);
  }
  const { version, teacher, seed, config, shards } = manifest;
  const plan = parsePlan({ version, teacher, seed, config }, path);
  const isListed = (entry: unknown, index: number) =>
    isObject(entry) && entry['file'] === shardName(index, plan.config.shards) && isHash(entry['sha256']);
  if (!Array.isArray(shards) || shards.length !== plan.config.shards || !shards.every(isListed)) {
    throw new DfkdError('E_PARSE', `'${path}' does not list the ${plan.config.shards} shards of its set.`);
  }
  return { plan, shards: shards as Manifest['shards'] };
}

/** As `readShards`, for a complete set; also E_PARSE for a shard that is not the one of the manifest. */
export async function* readSet(folder: string, { plan, shards }: Manifest): AsyncGenerator<Shard> {
  for await (const shard of readShards(folder, plan)) {
    const { file, sha256 } = shards[shard.index];
    if ((await hashFile(join(folder, file))) !== sha256) {
      throw new DfkdError('E_PARSE', `'${join(folder, file)}' is not the file that its ${MANIFEST} names.`);
    }
    yield shard;
  }
}

function isHash(value: unknown): boolean {
  return typeof value === 'string' && /^[0-9a-f]{64}$/.test(value);
}

async function exists(folder: string, name: string): Promise<boolean> {
  try {
    return (await readdir(folder)).includes(name);
  } catch (error) {
    throw new DfkdError('E_IO', `Cannot read '${folder}': ${(error as Error).message}.`, { cause: error });
  }
}

async function read(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    throw new DfkdError('E_IO', `Cannot read '${path}': ${(error as Error).message}.`, { cause: error });
  }
}
