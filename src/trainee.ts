import type { Model } from '../converters/model.js';
import { EXPORTS_THAT_KEEP_BATCH_NORM, findFolding } from '../converters/passes/find-batch-norms.js';
import { inlineFunctions } from '../converters/passes/inline-functions.js';
import { createDreamSource } from './dream/dream-source.js';
import { createProceduralSource } from './dream/procedural/procedural-images.js';
import type { SourceName } from './dream/synthesis.js';
import type { Engine, HostTensor } from './engine/engine.js';
import { lowerModel } from './network/lower.js';
import type { Network } from './network/network.js';
import type { Preprocessing } from './preprocess.js';
import type { RunControl } from './progress.js';
import type { Random } from './random.js';
import type { RecoverSettings } from './recover-options.js';
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

/** What is dreamt from and trained. */
export interface Subject extends Trainee {
  readonly preprocessing: Preprocessing;
  /** How images are made from it; null where others are learnt from. */
  readonly synthesis: SourceName | null;
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
export function trainAsItIs({ model, network }: Pick<Teacher, 'model' | 'network'>): Trainee {
  return { model, network, restore: (student) => student };
}

/**
 * A teacher without batch norm with one behind each convolution that has a place for it. Its statistics are those of a
 * user's images, or of procedural ones where there are none.
 */
export async function trainNormalized(
  engine: Engine,
  { model, network, preprocessing }: Teacher,
  calibration: HostTensor | null,
  { preset, maxMemory }: Pick<RecoverSettings, 'preset' | 'maxMemory'>,
  random: Random,
  control: RunControl,
): Promise<Trainee> {
  const { batch, input } = network;
  const source =
    calibration === null
      ? createProceduralSource(input.shape, preprocessing, random)
      : createDreamSource({ images: calibration }, 0, random);
  const convolutions = findFoldable(model, network);
  const options = { source, batch, batches: preset.statisticsBatches, stage: 'calibrate' };
  const normalized = await addBatchNorms(engine, model, network, convolutions, options, control);
  const trained = lowerModel(normalized, { batch, maxMemory });
  return {
    model: normalized,
    network: trained,
    restore: (student) => foldBatchNorms(network, convolutions, trained, student),
  };
}
