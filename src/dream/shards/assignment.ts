import { DfkdError } from '../../../converters/errors.js';

/** One of `of` equal parts of the work, counted from 0. */
export interface ShardAssignment {
  readonly index: number;
  readonly of: number;
}

/**
 * Which shard this process makes; undefined: all of them. `text` is `i/n` or `/n`, counted from 0, as the indices of
 * Slurm's arrays (`--array=0-7`) and of Kubernetes' Indexed Jobs are.
 *
 * Without an i, it is SLURM_ARRAY_TASK_ID or JOB_COMPLETION_INDEX. Without a text, an array of Slurm's tells its size
 * itself (https://slurm.schedmd.com/job_array.html); Kubernetes does not tell how many completions its Job has
 * (https://kubernetes.io/docs/concepts/workloads/controllers/job/#completion-mode). Throws E_ARG.
 */
export function assignShard(
  text: string | undefined,
  environment: Readonly<Record<string, string | undefined>>,
): ShardAssignment | undefined {
  const { SLURM_ARRAY_TASK_ID: task, JOB_COMPLETION_INDEX: completion } = environment;
  if (text !== undefined) {
    const match = /^(\d*)\/(\d+)$/.exec(text);
    if (match === null) throw usage(`--shard must be i/n or /n, counted from 0, not '${text}'.`);
    const [, index, of] = match;
    const chosen = index === '' ? (task ?? completion) : index;
    if (chosen === undefined) {
      throw usage(
        `--shard ${text} leaves open which of them this is, and neither SLURM_ARRAY_TASK_ID nor JOB_COMPLETION_INDEX says so.`,
      );
    }
    return checked(chosen, of);
  }
  if (task !== undefined) {
    const least = Number(environment['SLURM_ARRAY_TASK_MIN'] ?? 0);
    const step = Number(environment['SLURM_ARRAY_TASK_STEP'] ?? 1);
    return checked(String((Number(task) - least) / step), environment['SLURM_ARRAY_TASK_COUNT'] ?? '');
  }
  if (completion !== undefined) {
    throw usage(
      'JOB_COMPLETION_INDEX says which shard this is, but not of how many; pass --shard /n, or --shard 0/1 for all in one.',
    );
  }
  return undefined;
}

function checked(indexText: string, ofText: string): ShardAssignment {
  const [index, of] = [indexText, ofText].map((digits) => (/^\d+$/.test(digits) ? Number(digits) : NaN));
  if (Number.isSafeInteger(of) && index >= 0 && index < of) return { index, of };
  throw usage(`There is no shard ${indexText}/${ofText || '?'}; shards are counted from 0 to n - 1.`);
}

function usage(message: string): DfkdError {
  return new DfkdError('E_ARG', message);
}
