import type { Model } from '../converters/model.js';
import { EXPORTS_THAT_KEEP_BATCH_NORM, findFolding } from '../converters/passes/find-batch-norms.js';
import { inlineFunctions } from '../converters/passes/inline-functions.js';
import type { ImageSource } from './dream/image-source.js';
import type { Engine } from './engine/engine.js';
import { lowerModel } from './network/lower.js';
import type { Network } from './network/network.js';
import type { RunControl } from './progress.js';
import { addBatchNorms, findFoldable, foldBatchNorms } from './recover/virtual-batch-norm.js';
import type { Student } from './student.js';
import type { Teacher } from './teacher.js';

/** The form of the teacher that images are dreamt from and students are trained in. */
export interface Trainee {
  readonly model: Model;
  readonly network: Network;
  /** Its student as one of the teacher's own network, which is that of the file. */
  readonly restore: (student: Student) => Student;
}

/** Whether the file keeps statistics of the training images. */
export function hasStatistics({ network }: Pick<Teacher, 'network'>): boolean {
  return network.batchNorms.length > 0;
}

/** What the user should know of a teacher without. */
export function noteNormalization(
  teacher: Teacher,
  { calibration }: { readonly calibration: string | undefined },
): string[] {
  if (hasStatistics(teacher)) return [];
  const what = findFolding(inlineFunctions(teacher.model))
    ? 'The model has no batch normalization; most likely it was folded into the convolutions at export'
    : 'The model has no batch normalization';
  const instead =
    calibration === undefined
      ? 'procedural images stand in for those synthesised from its statistics, which costs accuracy; a hundred ' +
        'unlabelled images (--calib) cost less'
      : `the statistics it would keep are measured on the images of '${calibration}'`;
  const { dynamo, torchScript } = EXPORTS_THAT_KEEP_BATCH_NORM;
  const best = `${dynamo} or, with the older exporter, ${torchScript}`;
  return [`${what}: ${instead}. An export that keeps it does best: ${best}.`];
}

/** The teacher as it is. */
export function trainAsItIs({ model, network }: Teacher): Trainee {
  return { model, network, restore: (student) => student };
}

/**
 * A teacher without batch norm with one behind each convolution that has a place for it, and statistics measured on the
 * images of `source`.
 */
export async function trainNormalized(
  engine: Engine,
  { model, network }: Teacher,
  source: ImageSource,
  { batches, maxMemory }: { readonly batches: number; readonly maxMemory: number | undefined },
  control: RunControl,
): Promise<Trainee> {
  const { batch } = network;
  const convolutions = findFoldable(model, network);
  const options = { source, batch, batches, stage: 'calibrate' };
  const normalized = await addBatchNorms(engine, model, network, convolutions, options, control);
  const trained = lowerModel(normalized, { batch, maxMemory });
  return {
    model: normalized,
    network: trained,
    restore: (student) => foldBatchNorms(network, convolutions, trained, student),
  };
}
