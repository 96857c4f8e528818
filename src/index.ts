import type { DeviceList } from './engine/device.js';
import type { DreamsOptions } from './make-dreams-options.js';
import type { DreamsResult } from './dreams-report.js';
import type { InspectOptions, Inspection } from './inspect.js';
import type { SupportedOperator } from './supported-operators.js';
import type { RecoverOptions, RecoverResult } from './recover-model.js';
import type { RunControl } from './progress.js';
import type { EvaluateOptions, Evaluation } from './verify/evaluate.js';
import type { Parity } from './verify/parity.js';
import type { VerifyOptions } from './verify/verify-models.js';

/*
 * The library: the verbs of the command line. Each loads what it needs when it is called, so that inspecting a model
 * loads neither tfjs nor onnxruntime. What fails throws a DfkdError.
 */

export { DfkdError, EXIT_STATUS, type ErrorCode } from '../converters/errors.js';
export type { DeviceList, DeviceStatus } from './engine/device.js';
export { assignShard, type ShardAssignment } from './dream/shards/assignment.js';
export { SYNTHESES, type SynthesisName } from './dream/synthesis.js';
export type { DreamsOptions } from './make-dreams-options.js';
export type { DreamsReport, DreamsResult } from './dreams-report.js';
export type { SupportedOperator } from './supported-operators.js';
export type { InspectOptions, Inspection } from './inspect.js';
export type { MemoryOptions, NoteOptions, SignatureOptions } from './open-model.js';
export type { Normalization, PreprocessOption } from './preprocess.js';
export { printable, printableJson } from './printable.js';
export type { OnProgress, ProgressEvent, RunControl } from './progress.js';
export { formatDuration } from './estimate.js';
export { createStepTimes, type StepTimes } from './step-times.js';
export type { RecoverDetails, RecoverOptions, RecoverResult } from './recover-model.js';
export type { RungName } from './recover/ladder.js';
export {
  formatDevices,
  formatDreams,
  formatEvaluation,
  formatInspection,
  formatOperators,
  formatParity,
  formatRecovery,
} from './report/terminal.js';
export type { EvaluateOptions, Evaluation } from './verify/evaluate.js';
export type { Parity } from './verify/parity.js';
export type { VerifyOptions } from './verify/verify-models.js';

/**
 * Prunes the ONNX classifier at `input`, recovers its accuracy without data, and writes it to `output`; with `report`,
 * also an HTML report to that path. A dry run writes neither.
 */
export async function recoverModel(
  input: string,
  output: string,
  options: RecoverOptions = {},
): Promise<RecoverResult> {
  const { force = false, dryRun = false } = options;
  const report = dryRun ? undefined : options.report;
  const { checkReport, writeReport } = await import('./report/write-report.js');
  if (report !== undefined) await checkReport(input, output, report, force);
  const recipe = await import('./recover-model.js');
  const result = await recipe.recoverModel(input, output, options);
  if (report !== undefined) await writeReport(report, result);
  return result;
}

/** Makes images from the ONNX classifier at `input` alone, and writes them to `folder` as shards, with a report. */
export async function makeDreams(
  input: string,
  folder: string,
  options?: DreamsOptions,
): Promise<DreamsResult> {
  const { makeDreams: make } = await import('./make-dreams.js');
  return make(input, folder, options);
}

/** Makes one set, in the first folder, of the shards that lie in it and in the others. */
export async function mergeDreams(
  folders: readonly string[],
  control?: Pick<RunControl, 'signal'>,
): Promise<DreamsResult> {
  const { mergeDreams: merge } = await import('./merge-dreams.js');
  return merge(folders, control);
}

/** What a model is made of, and whether this tool can work on it. */
export async function inspectModel(path: string, options?: InspectOptions): Promise<Inspection> {
  const { inspectModel: inspect } = await import('./inspect.js');
  return inspect(path, options);
}

/** The operators that models may use, by name. */
export async function supportedOperators(): Promise<SupportedOperator[]> {
  const { listOperators } = await import('./supported-operators.js');
  return listOperators();
}

/** Top-1 accuracy of a model on labelled images. */
export async function evaluateModel(path: string, options: EvaluateOptions): Promise<Evaluation> {
  const { evaluateModel: evaluate } = await import('./verify/evaluate.js');
  return evaluate(path, options);
}

/** What this machine can compute on, tried out, and what `auto` would choose. */
export async function listDevices(): Promise<DeviceList> {
  const { listDevices: list } = await import('./engine/onnxruntime/devices.js');
  return list();
}

/** Compares the outputs of two models on the same random inputs. */
export async function verifyModels(a: string, b: string, options?: VerifyOptions): Promise<Parity> {
  const { verifyModels: verify } = await import('./verify/verify-models.js');
  return verify(a, b, options);
}
