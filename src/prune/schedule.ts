import type { Network } from '../network/network.js';
import type { Student } from '../student.js';
import { chooseMasks, type PruneOptions } from './prune.js';

/** When gradual pruning cuts: at step 0, then every `every` steps, for the last time at step `until`. */
export interface PruneSchedule {
  /** Share cut at step 0; the final one is that of the prune options. */
  readonly from: number;
  readonly until: number;
  readonly every: number;
}

/** s(t) = s_f + (s_0 - s_f) (1 - t / T)^3 (arXiv 1710.01878, eq. 1), and s_f from T on. */
export function cubicSparsity(to: number, { from, until }: PruneSchedule, step: number): number {
  const left = step >= until ? 0 : 1 - step / until;
  return to + (from - to) * left ** 3;
}

/** Whether the masks change before this step, counted from 0. */
export function cutsAt({ until, every }: PruneSchedule, step: number): boolean {
  return step === until || (step < until && step % every === 0);
}

/**
 * The masks that hold from `step` on, chosen by the weights as training has them then. What was cut is 0 and stays cut:
 * it is the first to go again.
 */
export function maskAt(
  network: Network,
  weights: Student['weights'],
  options: PruneOptions,
  schedule: PruneSchedule,
  step: number,
): Student['masks'] {
  return chooseMasks(network, weights, {
    ...options,
    sparsity: cubicSparsity(options.sparsity, schedule, step),
  });
}
