import { DfkdError } from '../converters/errors.js';
import { SOURCES, type SourceName } from './dream/synthesis.js';
import { ENGINES, type EngineName } from './engine/engine.js';
import { DEVICES, type Device } from './engine/device.js';
import type { MemoryOptions, SignatureOptions } from './open-model.js';
import type { PreprocessOption } from './preprocess.js';
import { parsePattern, sparsityOf, type Pattern } from './prune/pattern.js';
import { CRITERIA, type Criterion } from './prune/prune.js';
import { PRESETS, type Preset, type PresetName } from './presets.js';
import type { RunControl } from './progress.js';
import { SCHEDULES, type ScheduleName } from './recover/gradual.js';
import { RUNGS, type RungName } from './recover/ladder.js';

export interface RecoverOptions extends RunControl, SignatureOptions, MemoryOptions {
  /** Share of conv and linear weights to cut, 0 <= sparsity < 1; default 0.75, or what an n:m pattern says. */
  readonly sparsity?: number | undefined;
  /** By what the weights to cut are chosen; default magnitude. */
  readonly criterion?: Criterion | undefined;
  /** Whether distillation cuts the weights little by little, or they are all cut before it; default gradual. */
  readonly schedule?: ScheduleName | undefined;
  /** Which weights are cut together: unstructured (default), block, or n:m such as 2:4. */
  readonly pattern?: string | undefined;
  /**
   * The rungs of the ladder to climb; default all, but distillation alone where it cuts the weights. Without `distil` only
   * the cheap repairs are made.
   */
  readonly rungs?: readonly RungName[] | undefined;
  /** Seconds for the whole run; default as many as the preset takes. */
  readonly budget?: number | undefined;
  /** How much work to spend on recovery, by name or in full; default standard. */
  readonly preset?: PresetName | Preset | undefined;
  /** What the student learns from; default generator. */
  readonly synthesis?: SourceName | undefined;
  /** A whole number from 0; the same seed gives the same file. Default 0. */
  readonly seed?: number | undefined;
  /** How pixels become the model's input; default auto. */
  readonly preprocess?: PreprocessOption | undefined;
  /** What computes; tensorflow needs an optional package. Default onnxruntime. */
  readonly engine?: EngineName | undefined;
  /** Threads within one operator; default: one per physical core, within a container's limit. */
  readonly threads?: number | undefined;
  /** Where to compute; auto is the first GPU that passes a self-check, else cpu. Default cpu. */
  readonly device?: Device | 'auto' | undefined;
  /**
   * Unlabelled images to learn from besides the dreams, and to measure the statistics on that a file without batch norm
   * lacks: a .npy file (uint8 [count, channels, height, width]), a .png file, or a folder of both. Default none.
   */
  readonly calibration?: string | undefined;
  /** False: prune only. Default true. */
  readonly recover?: boolean | undefined;
  /** Images from disk in place of dreams: a folder that `makeDreams` wrote, or a .npy of uint8 images. */
  readonly dreams?: string | undefined;
  /** Where the caller will write a report; refused where it would replace one of the teacher's files. */
  readonly report?: string | undefined;
  /** Replace an existing output. Default false. */
  readonly force?: boolean | undefined;
  /** Do everything up to the first training step, write nothing. Default false. */
  readonly dryRun?: boolean | undefined;
}

/** The options with their defaults. */
export interface RecoverSettings extends SignatureOptions, MemoryOptions {
  readonly sparsity: number;
  readonly criterion: Criterion;
  readonly schedule: ScheduleName;
  readonly pattern: Pattern;
  /** Undefined where the work plan chooses. */
  readonly rungs: readonly RungName[] | undefined;
  readonly budget: number | undefined;
  /** Its name: `custom` where it was given in full. */
  readonly presetName: string;
  readonly preset: Preset;
  readonly seed: number;
  readonly synthesis: SourceName;
  readonly preprocess: PreprocessOption;
  readonly engine: EngineName;
  readonly threads: number | undefined;
  readonly device: Device | 'auto';
  readonly calibration: string | undefined;
  readonly recover: boolean;
  readonly dreams: string | undefined;
  readonly force: boolean;
  readonly dryRun: boolean;
}

/** Fills in the defaults. Throws E_ARG. */
export function resolveOptions(options: RecoverOptions): RecoverSettings {
  const {
    criterion = CRITERIA[0],
    schedule = SCHEDULES[0],
    rungs,
    budget,
    preset = 'standard',
    seed = 0,
    preprocess = 'auto',
    threads,
  } = options;
  const { engine = ENGINES[0], device = 'cpu', recover = true, force = false, dryRun = false } = options;
  const pattern = parsePattern(options.pattern ?? 'unstructured');
  const sparsity = sparsityOf(pattern, options.sparsity, 0.75);
  if (!(sparsity >= 0 && sparsity < 1)) {
    throw new DfkdError('E_ARG', `The sparsity is ${sparsity}; it must be at least 0 and below 1.`);
  }
  if (!SCHEDULES.includes(schedule)) {
    throw new DfkdError(
      'E_ARG',
      `There is no schedule '${schedule as string}'; use ${SCHEDULES.join(', ')}.`,
    );
  }
  checkLadder(criterion, rungs, budget);
  if (typeof preset === 'string' && !Object.hasOwn(PRESETS, preset)) {
    throw new DfkdError('E_ARG', `There is no preset '${preset}'; use ${Object.keys(PRESETS).join(', ')}.`);
  }
  if (!ENGINES.includes(engine)) {
    throw new DfkdError('E_ARG', `There is no engine '${engine as string}'; use ${ENGINES.join(', ')}.`);
  }
  if (!Number.isSafeInteger(seed) || seed < 0) {
    throw new DfkdError('E_ARG', `The seed is ${seed}; it must be a whole number from 0.`);
  }
  if (engine === 'tensorflow' && device !== 'cpu') {
    throw new DfkdError(
      'E_ARG',
      'A device can be chosen for the engine onnxruntime only; TensorFlow takes the GPU where it has one.',
    );
  }
  if (threads !== undefined && (!Number.isSafeInteger(threads) || threads < 1)) {
    throw new DfkdError('E_ARG', `The number of threads is ${threads}; it must be a whole number from 1.`);
  }
  if (device !== 'auto' && !DEVICES.includes(device)) {
    throw new DfkdError('E_ARG', `There is no device '${device}'; use auto, ${DEVICES.join(', ')}.`);
  }
  const work =
    typeof preset === 'string'
      ? { presetName: preset, preset: PRESETS[preset] }
      : { presetName: 'custom', preset };
  const { inputShape, outputName, maxMemory, calibration, dreams, synthesis = SOURCES[0] } = options;
  if (!SOURCES.includes(synthesis)) {
    throw new DfkdError(
      'E_ARG',
      `There is no synthesis '${synthesis as string}'; use ${SOURCES.join(', ')}.`,
    );
  }
  return {
    ...work,
    inputShape,
    outputName,
    synthesis,
    sparsity,
    criterion,
    schedule,
    pattern,
    rungs,
    budget,
    seed,
    preprocess,
    engine,
    threads,
    maxMemory,
    device,
    calibration,
    recover,
    dreams,
    force,
    dryRun,
  };
}

function checkLadder(
  criterion: Criterion,
  rungs: readonly RungName[] = RUNGS,
  budget: number | undefined,
): void {
  if (!CRITERIA.includes(criterion)) {
    throw new DfkdError(
      'E_ARG',
      `There is no criterion '${criterion as string}'; use ${CRITERIA.join(', ')}.`,
    );
  }
  const unknown = rungs.find((name) => !RUNGS.includes(name));
  if (unknown !== undefined) {
    throw new DfkdError('E_ARG', `There is no rung '${unknown as string}'; use ${RUNGS.join(', ')}.`);
  }
  if (rungs.length === 0) {
    throw new DfkdError(
      'E_ARG',
      'No rung is left to climb; to prune alone, switch recovery off (--no-recover).',
    );
  }
  if (budget !== undefined && !(budget > 0 && Number.isFinite(budget))) {
    throw new DfkdError('E_ARG', `The budget is ${budget} seconds; it must be more than 0.`);
  }
}
