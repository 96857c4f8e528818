import type { Network } from '../network/network.js';
import { prune, type PruneOptions } from '../prune/prune.js';
import { cutsAt, maskAt, type PruneSchedule } from '../prune/schedule.js';
import type { Student } from '../student.js';

/** When the weights are cut, the default first: as distillation goes on, or all before it. */
export const SCHEDULES = ['gradual', 'one-shot'] as const;
export type ScheduleName = (typeof SCHEDULES)[number];

/** Pruning that goes on while the student learns. */
export interface Gradual {
  /** The teacher with the first weights cut. */
  readonly start: Student;
  /** The step from which on all is cut that is to be. */
  readonly until: number;
  /** Whether something is cut before this step. */
  readonly cutsAt: (step: number) => boolean;
  /** The masks from such a step on, chosen by the weights as they are then. */
  readonly masksAt: (step: number, weights: Student['weights']) => Student['masks'];
}

/** Weights kept at first, for each that is kept in the end: so many lose little, and what is left can still be chosen. */
const KEPT_AT_FIRST = 2;
/** Of the steps, those in which weights are cut; and how often. */
const CUTTING = 0.5;
const CUTS = 10;

/**
 * Cuts the teacher to its sparsity over the first half of `steps`. Null where there is nothing to be gained: so little is
 * cut that it could all be at once.
 */
export function createGradual(network: Network, options: PruneOptions, steps: number): Gradual | null {
  const from = 1 - KEPT_AT_FIRST * (1 - options.sparsity);
  const until = Math.floor(CUTTING * steps);
  if (from <= 0 || until < CUTS) return null;
  const schedule: PruneSchedule = { from, until, every: Math.ceil(until / CUTS) };
  return {
    start: prune(network, { ...options, sparsity: from }),
    until,
    cutsAt: (step) => step > 0 && cutsAt(schedule, step),
    masksAt: (step, weights) => maskAt(network, weights, options, schedule, step),
  };
}
