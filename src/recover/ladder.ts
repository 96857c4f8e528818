import type { ImageSource } from '../dream/image-source.js';
import type { Engine } from '../engine/engine.js';
import type { Network } from '../network/network.js';
import type { RunRecord } from '../run-record.js';
import { roundStudent, type Student } from '../student.js';
import { matchChannelStatistics } from './channel-statistics.js';
import type { PruneOptions } from '../prune/prune.js';
import { createGradual, isGradual, type ScheduleName } from './gradual.js';
import { distil, type DistilOptions, type Measure } from './distil.js';
import { reconstruct, type ReconstructOptions } from './reconstruct.js';
import { reestimateStatistics } from './statistics.js';

/** The rungs from cheap to dear. */
export const RUNGS = ['statistics', 'match', 'reconstruct', 'distil'] as const;
export type RungName = (typeof RUNGS)[number];

/** What is climbed, and whether distillation cuts the weights little by little. */
export interface Climb {
  readonly rungs: readonly RungName[];
  readonly gradual: boolean;
}

/**
 * The rungs asked for, or those worth climbing where distillation has about so many steps. The cheap ones mend a student
 * that is cut whole. One that is cut as it learns begins with more, and does not need them: a ResNet-20 at 95% agreed with
 * its teacher on 80.2 of 100 real images without them, on 80.5 with them, and on 80.4 where they mended what it began with.
 */
export function chooseClimb(
  asked: readonly RungName[] | undefined,
  { schedule, sparsity }: { readonly schedule: ScheduleName; readonly sparsity: number },
  steps: number,
): Climb {
  const distils = asked?.includes('distil') ?? true;
  const gradual = distils && schedule === 'gradual' && isGradual(sparsity, steps);
  return { rungs: asked ?? (gradual ? ['distil'] : RUNGS), gradual };
}

/** What every rung works with. */
export interface LadderContext {
  readonly engine: Engine;
  /** The teacher's. */
  readonly network: Network;
  readonly source: ImageSource;
  /** On images that no rung sees. */
  readonly measure: Measure;
  readonly statisticsBatches: number;
  readonly reconstruct: ReconstructOptions;
  /** How the student was pruned, for distillation to do it again, little by little; null where it is to stay as it is. */
  readonly pruning: PruneOptions | null;
  /** Called when distillation begins: how much of it there is time for. */
  readonly distil: () => DistilOptions;
  readonly run: RunRecord;
}

export interface Rung {
  readonly name: RungName;
  /** A student that may be better, with the same masks or as many zeros elsewhere. */
  readonly climb: (student: Student, context: LadderContext) => Promise<Student>;
}

const LADDER: readonly Rung[] = [
  {
    name: 'statistics',
    climb: (student, { engine, network, source, statisticsBatches, run }) =>
      reestimateStatistics(engine, network, student, source, statisticsBatches, run.control),
  },
  {
    name: 'match',
    climb: (student, { engine, network, source, statisticsBatches, run }) =>
      matchChannelStatistics(engine, network, student, source, statisticsBatches, run.control),
  },
  {
    name: 'reconstruct',
    climb: async (student, { engine, network, source, statisticsBatches, reconstruct: options, run }) => {
      const solved = await reconstruct(engine, network, student, source, options, run.control);
      // Other weights give the batch norms other statistics.
      return matchChannelStatistics(engine, network, solved, source, statisticsBatches, run.control);
    },
  },
  {
    name: 'distil',
    climb: async (student, context) => {
      const { engine, network, source, measure, pruning, statisticsBatches, run } = context;
      const options = context.distil();
      const gradual = pruning && createGradual(network, pruning, options.steps);
      if (!gradual) return distil(engine, network, student, source, measure, options, run.control);
      const start = await matchChannelStatistics(
        engine,
        network,
        gradual.start,
        source,
        statisticsBatches,
        run.control,
      );
      return distil(
        engine,
        network,
        student,
        source,
        measure,
        { ...options, gradual: { ...gradual, start } },
        run.control,
      );
    },
  },
];

/**
 * Climbs the rungs of these names, in the ladder's order, each from the best student so far: the one that agrees most
 * with its teacher on held-out images, of equals the last. A rung that lowers agreement is undone, and its stage says so.
 * @returns the best student, as its file will hold it, and its agreement, in 0..1
 */
export async function climbLadder(
  rungs: readonly RungName[],
  pruned: { readonly result: Student; readonly agreement: number },
  context: LadderContext,
): Promise<{ student: Student; agreement: number }> {
  const { network, measure, run } = context;
  let best = pruned;
  for (const { name, climb } of LADDER) {
    if (!rungs.includes(name)) continue;
    const work = async () => roundStudent(network, await climb(best.result, context));
    const reached = await run.judged(name, work, measure, best.agreement);
    if (reached.agreement >= best.agreement) best = reached;
  }
  return { student: best.result, agreement: best.agreement };
}
