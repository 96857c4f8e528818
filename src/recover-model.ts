import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import type { ExternalFile } from '../converters/external-layout.js';
import type { Model } from '../converters/model.js';
import type { EditedModel } from '../converters/write.js';
import { bakeStudent } from './bake/bake.js';
import { readCalibration } from './calibration/read-calibration.js';
import { createEngine } from './engine/create-engine.js';
import type { Engine, HostTensor } from './engine/engine.js';
import { resolveDevice } from './engine/onnxruntime/devices.js';
import type { Network } from './network/network.js';
import { checkDataOutput, checkOutput, dataPath, writeWhole } from './output-file.js';
import { presetFor } from './presets.js';
import { throwIfInterrupted, type RunControl } from './progress.js';
import { formatPattern } from './prune/pattern.js';
import { prune } from './prune/prune.js';
import { createRandom } from './random.js';
import { readDreams } from './read-dreams.js';
import { resolveOptions, type RecoverOptions, type RecoverSettings } from './recover-options.js';
import { describeLayers, showImages, withDetails, type RecoverResult } from './recover-result.js';
import { createMeasure } from './recover/distil.js';
import { climbLadder, type RungName } from './recover/ladder.js';
import { createRunRecord, type RunRecord } from './run-record.js';
import { copyTeacher, measureSparsity, roundStudent, type Student } from './student.js';
import { compareWithFile, readTeacher, type Teacher } from './teacher.js';
import { hasStatistics, noteNormalization, trainAsItIs, trainNormalized } from './trainee.js';
import { makeImages, type GivenImages } from './training-images.js';
import type { Parity } from './verify/parity.js';
import { VERSION } from './version.js';
import { planWork, type PlanOptions } from './work-plan.js';

export type { RecoverOptions } from './recover-options.js';
export type { RecoverDetails, RecoverResult } from './recover-result.js';

/**
 * How often a job holds the weights: the file's, the classifier's two, the student's, its masks and scores, what is
 * written, and that read again (7.4 times were measured on 2.4 GB). Distillation has them and their velocities, each as they
 * are and as they come to be, the masks, the gradients, and the teacher's.
 */
const COPIES = { prune: 7.5, recover: 14 } as const;

/** Dreams in the report's picture. */
const SHOWN = 64;

/**
 * The recipe: prunes the ONNX classifier at `input`, brings its accuracy back on images dreamt by the classifier
 * itself, and writes the result to `output`. Nothing is written unless all of it succeeds. Throws DfkdError.
 */
export async function recoverModel(
  input: string,
  output: string,
  options: RecoverOptions = {},
): Promise<RecoverResult> {
  const start = performance.now();
  const asked = resolveOptions(options);
  await checkOutput(input, output, asked.force);
  const device = await resolveDevice(asked.device);
  const engine = createEngine({ engine: asked.engine, device, threads: asked.threads });
  const run = createRunRecord(options);

  const teacher = await run.stage('read', () =>
    readTeacher(input, engine, {
      ...asked,
      batch: (item) => presetFor(asked.preset, item).distil.batch,
      copies: asked.recover ? COPIES.recover : COPIES.prune,
    }),
  );
  const item = teacher.network.input.shape.slice(1);
  const settings = { ...asked, preset: presetFor(asked.preset, item, asked.sparsity) };
  await checkDataOutput(input, output, teacher.model, { force: settings.force, report: options.report });
  const notes = [...teacher.notes, ...(settings.recover ? noteNormalization(teacher, settings) : [])];
  for (const note of notes) run.control.onNote(note);
  try {
    const elapsed = () => (performance.now() - start) / 1000;
    const timing = { elapsed, announce: options.onNote !== undefined };
    const made = await makeStudent(engine, input, teacher, settings, run, timing);
    const { student, agreement, images } = made;
    const written = settings.dryRun
      ? null
      : await run.stage('write', () => writeStudent(output, teacher, made, settings, run));
    const data = written?.external && describeData(output, written.external);
    const { network, preprocessing, model } = teacher;
    return withDetails(
      {
        input: { path: input, sha256: sha256([model.bytes]) },
        output: {
          path: output,
          sha256: written && sha256([written.bytes]),
          bytes: written?.bytes.length ?? null,
          ...(data ? { data } : {}),
        },
        seed: settings.seed,
        preset: settings.presetName,
        device,
        seconds: elapsed(),
        sparsity: { target: settings.sparsity, achieved: measureSparsity(network, student) },
        agreement: { pruned: run.agreement('prune'), recovered: agreement },
        stages: run.stages,
        parity: { maxAbsDiff: written?.parity.maxAbsDiff ?? null },
      },
      {
        inputBytes: model.bytes.length,
        engine: engine.name,
        notes: run.notes,
        layers: describeLayers(network, student),
        curves: run.curves(),
        images: images && showImages(images, preprocessing, SHOWN),
      },
    );
  } finally {
    await teacher.classifier.dispose();
  }
}

interface Made {
  readonly student: Student;
  /** Null where it was not measured. */
  readonly agreement: number | null;
  /** Those climbed. */
  readonly rungs: readonly RungName[];
  readonly images: HostTensor | null;
}

/** Images, pruning, the ladder; without recovery, pruning alone. */
async function makeStudent(
  engine: Engine,
  input: string,
  teacher: Teacher,
  settings: RecoverSettings,
  run: RunRecord,
  timing: Pick<PlanOptions, 'elapsed' | 'announce'>,
): Promise<Made> {
  const { stage, control } = run;
  const cut = (network: Network) => prune(network, settings);
  const pruneOnly = async () => ({
    student: await stage('prune', () => cut(teacher.network)),
    agreement: null,
    rungs: [],
    images: null,
  });
  if (!settings.recover) return pruneOnly();

  const random = createRandom(settings.seed);
  const given = await readGivenImages(input, teacher, settings, control);
  const trainee = hasStatistics(teacher)
    ? trainAsItIs(teacher)
    : await stage('calibrate', () =>
        trainNormalized(engine, teacher, given.calibration, settings, random.split('calibrate'), control),
      );
  const { network, restore } = trainee;
  const { preprocessing } = teacher;
  const canSynthesise = given.dreams === null && (hasStatistics(teacher) || given.calibration !== null);
  const subject = { ...trainee, preprocessing, synthesis: canSynthesise ? settings.synthesis : null };
  const plan = await planWork(engine, subject, { ...settings, ...timing }, run);
  const images = await makeImages(engine, subject, given, { ...settings, plan }, random, run);
  if (settings.dryRun) return pruneOnly();

  const agreement = await createMeasure(teacher.classifier, copyTeacher(teacher.network), images.measuring);
  const measure = (student: Student) => agreement(restore(student));
  // Images without the statistics of the training images have those the teacher gives them.
  const rungs = plan.rungs.filter((name) => name !== 'statistics' || hasStatistics(teacher));
  const pruned = await run.judged('prune', () => cut(network), measure);
  const climbed = await climbLadder(rungs, pruned, {
    ...settings.preset,
    engine,
    network,
    source: images.source,
    measure,
    pruning: plan.gradual ? settings : null,
    distil: plan.distil,
    run,
  });
  await images.dispose?.();
  const student = roundStudent(teacher.network, restore(climbed.student));
  return { student, agreement: climbed.agreement, rungs, images: images.shown };
}

/** Images of the user's, as the model takes them. */
async function readGivenImages(
  input: string,
  teacher: Teacher,
  { calibration, dreams, preset, maxMemory }: RecoverSettings,
  control: RunControl,
): Promise<GivenImages> {
  const least = preset.heldOut + 1;
  return {
    calibration:
      calibration === undefined
        ? null
        : await readCalibration(calibration, teacher, { ...control, maxMemory }),
    dreams: dreams === undefined ? null : await readDreams(dreams, input, teacher, { least, maxMemory }),
  };
}

/** Writes the student into a copy of the file, and lets it take the output's name once onnxruntime agrees with us. */
async function writeStudent(
  output: string,
  teacher: Teacher,
  { student, rungs }: Pick<Made, 'student' | 'rungs'>,
  settings: RecoverSettings,
  { control }: RunRecord,
): Promise<EditedModel & { parity: Parity }> {
  const { model, network } = teacher;
  const { bytes, external } = bakeStudent(model, student, network, {
    externalLocation: basename(dataPath(output)),
    metadata: provenance(model, settings, rungs),
  });
  const accept = async (file: string) => {
    // A small probability is as wrong, relatively, as its logit is absolutely, and logits may be large.
    const tolerance = network.output.activation === null ? {} : { atol: 1e-4 };
    const what = 'The written file';
    const measured = await compareWithFile(teacher, student, file, what, settings, tolerance);
    throwIfInterrupted(control);
    return measured;
  };
  return { bytes, external, parity: await writeWhole(output, bytes, accept, external) };
}

/** What made the student; nothing of who or where. All of it always, so that nothing of a teacher's own making stays. */
function provenance(
  { bytes }: Model,
  settings: RecoverSettings,
  rungs: readonly RungName[],
): Map<string, string> {
  const { sparsity, seed, presetName, criterion, schedule, pattern, synthesis } = settings;
  return new Map([
    ['onnx_dfkd.version', VERSION],
    ['onnx_dfkd.input_sha256', sha256([bytes])],
    ['onnx_dfkd.sparsity', String(sparsity)],
    ['onnx_dfkd.seed', String(seed)],
    ['onnx_dfkd.preset', presetName],
    ['onnx_dfkd.criterion', criterion],
    ['onnx_dfkd.pattern', formatPattern(pattern)],
    ['onnx_dfkd.schedule', schedule],
    ['onnx_dfkd.synthesis', settings.dreams === undefined ? synthesis : 'stored dreams'],
    ['onnx_dfkd.rungs', rungs.length > 0 ? rungs.join(',') : 'none'],
  ]);
}

function sha256(chunks: readonly Uint8Array[]): string {
  const hash = createHash('sha256');
  // Node refuses to hash 2 GiB at once.
  const most = 2 ** 30;
  for (const chunk of chunks) {
    for (let start = 0; start < chunk.length; start += most) hash.update(chunk.subarray(start, start + most));
  }
  return hash.digest('hex');
}

function describeData(output: string, { chunks }: ExternalFile): RecoverResult['output']['data'] {
  const bytes = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  return { path: dataPath(output), sha256: sha256(chunks), bytes };
}
