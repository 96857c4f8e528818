import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DfkdError } from '../converters/errors.js';
import { hashFile, parseShardName, shardName, type DreamPlan } from './dream/shards/plan.js';
import { listShards, readShard, requireSamePlan, writeShard } from './dream/shards/set.js';
import { summarise, type DreamsResult } from './dreams-report.js';
import { finishDreams } from './finish-dreams.js';
import { throwIfInterrupted, type RunControl } from './progress.js';

/**
 * Makes one set, in the first folder, of the shards that lie in it and in the others. No teacher is needed. Throws
 * E_PARSE or E_TENSOR for a damaged shard, E_ARG for shards of different settings, for two that should be the same and
 * are not, and for a gap.
 */
export async function mergeDreams(
  folders: readonly string[],
  control: Pick<RunControl, 'signal'> = {},
): Promise<DreamsResult> {
  const start = performance.now();
  const [target] = folders;
  const found = await findShards(folders);
  const plan = await checkShards(found, folders, control);
  for (const [name, [path]] of found) {
    if (path !== join(target, name)) {
      await mkdir(target, { recursive: true });
      await writeShard(target, await readShard(path));
    }
  }
  const report = await finishDreams(target, plan);
  return summarise(target, report, 0, (performance.now() - start) / 1000);
}

/** Where each shard lies, by name; in the first folder first. */
async function findShards(folders: readonly string[]): Promise<Map<string, string[]>> {
  const found = new Map<string, string[]>();
  for (const folder of folders) {
    for (const name of await listShards(folder)) {
      found.set(name, [...(found.get(name) ?? []), join(folder, name)]);
    }
  }
  return found;
}

/** The plan of which these are all shards, each checked. */
async function checkShards(
  found: ReadonlyMap<string, readonly string[]>,
  folders: readonly string[],
  control: Pick<RunControl, 'signal'>,
): Promise<DreamPlan> {
  let plan: DreamPlan | undefined;
  for (const [name, paths] of found) {
    throwIfInterrupted(control);
    const [path] = paths;
    const shard = await readShard(path);
    plan ??= shard.plan;
    requireSamePlan(plan, shard, path);
    if (name !== shardName(shard.index, plan.config.shards)) {
      const own = `${shard.index} of ${plan.config.shards}`;
      throw new DfkdError('E_PARSE', `'${path}' holds shard ${own}, whatever its name says.`);
    }
    await requireEqual(paths);
  }
  const where = folders.map((folder) => `'${folder}'`).join(', ');
  if (!plan) throw new DfkdError('E_ARG', `There are no shards of dreams in ${where}.`);
  requireAll(found, plan, where);
  return plan;
}

async function requireEqual([first, ...others]: readonly string[]): Promise<void> {
  if (others.length === 0) return;
  const expected = await hashFile(first);
  for (const path of others) {
    if ((await hashFile(path)) !== expected) {
      throw new DfkdError(
        'E_ARG',
        `'${first}' and '${path}' are the same shard with different bytes, as different machines may make them; remove one.`,
      );
    }
  }
}

/** Names at most a few of the gaps. */
function requireAll(found: ReadonlyMap<string, unknown>, { config }: DreamPlan, where: string): void {
  const there = new Set(Array.from(found.keys(), (name) => parseShardName(name)!.index));
  const gaps: number[] = [];
  for (let index = 0; index < config.shards && gaps.length <= 10; index++) {
    if (!there.has(index)) gaps.push(index);
  }
  if (gaps.length === 0) return;
  const named = `${gaps.slice(0, 10).join(', ')}${gaps.length > 10 ? ', ...' : ''}`;
  throw new DfkdError(
    'E_ARG',
    `${where} lacks ${config.shards - there.size} of ${config.shards} shards (${named}); make them with --shard ${gaps[0]}/${config.shards} and so on.`,
  );
}
