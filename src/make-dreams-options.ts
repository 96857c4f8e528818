import { DfkdError } from '../converters/errors.js';
import type { ShardAssignment } from './dream/shards/assignment.js';
import { SYNTHESES, type SynthesisName } from './dream/synthesis.js';
import { resolveOptions, type RecoverOptions, type RecoverSettings } from './recover-options.js';

/** Of the main job's options, those that making images shares. */
type Shared = 'preset' | 'seed' | 'preprocess' | 'engine' | 'threads' | 'device' | 'force';

export interface DreamsOptions extends Pick<RecoverOptions, Shared>, BaseOptions {
  /** Images in all; default 1024. */
  readonly count?: number | undefined;
  /** How images are made; default the first of SYNTHESES. */
  readonly synthesis?: SynthesisName | undefined;
  /** Make this part of the set alone. Default all of it, in shards of the method's choice. */
  readonly shard?: ShardAssignment | undefined;
  /** Keep the shards that are there, and make the missing ones. Default false. */
  readonly resume?: boolean | undefined;
}

type BaseOptions = Pick<
  RecoverOptions,
  'inputShape' | 'outputName' | 'maxMemory' | 'onProgress' | 'onNote' | 'signal'
>;

export interface DreamsSettings extends RecoverSettings {
  readonly count: number;
  readonly synthesis: SynthesisName;
  readonly shard: ShardAssignment | undefined;
  readonly resume: boolean;
}

/** Fills in the defaults. Throws E_ARG. */
export function resolveDreamsOptions(options: DreamsOptions): DreamsSettings {
  const { count = 1024, synthesis = SYNTHESES[0], shard, resume = false } = options;
  if (!Number.isSafeInteger(count) || count < 1) {
    throw new DfkdError('E_ARG', `The number of images is ${count}; it must be a whole number from 1.`);
  }
  if (!SYNTHESES.includes(synthesis)) {
    throw new DfkdError(
      'E_ARG',
      `There is no synthesis '${synthesis as string}'; use ${SYNTHESES.join(', ')}.`,
    );
  }
  if (shard) checkShard(shard, count);
  return { ...resolveOptions(options), count, synthesis, shard, resume };
}

function checkShard({ index, of }: ShardAssignment, count: number): void {
  const isPart = Number.isSafeInteger(index) && Number.isSafeInteger(of) && index >= 0 && index < of;
  if (!isPart) throw new DfkdError('E_ARG', `There is no shard ${index}/${of}; shards are counted from 0.`);
  if (of > count || of > 100_000) {
    throw new DfkdError('E_ARG', `${count} images cannot be divided into ${of} shards.`);
  }
}
