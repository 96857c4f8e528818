import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import type { ExternalFile } from '../converters/external-layout.js';
import type { Model } from '../converters/model.js';
import type { EditedModel } from '../converters/write.js';
import { bakeStudent } from './bake/bake.js';
import { readCalibration } from './calibration/read-calibration.js';
import { dream, type Dreams } from './dream/dream.js';
import { createEngine } from './engine/create-engine.js';
import type { Engine, HostTensor } from './engine/engine.js';
import { resolveDevice } from './engine/onnxruntime/devices.js';
import { lowerModel } from './network/lower.js';
import type { Network } from './network/network.js';
import { checkDataOutput, checkOutput, dataPath, writeWhole } from './output-file.js';
import { throwIfInterrupted, type RunControl } from './progress.js';
import { pruneByMagnitude } from './prune/magnitude.js';
import { createRandom, type Random } from './random.js';
import { resolveOptions, type RecoverOptions, type RecoverSettings } from './recover-options.js';
import { describeLayers, showImages, withDetails, type RecoverResult } from './recover-result.js';
import { matchChannelStatistics } from './recover/channel-statistics.js';
import { createMeasure, distil } from './recover/distil.js';
import { reestimateStatistics } from './recover/statistics.js';
import { createRunRecord, type RunRecord } from './run-record.js';
import { copyTeacher, measureSparsity, roundStudent, type Student } from './student.js';
import { compareWithFile, readTeacher, type Teacher } from './teacher.js';
import { hasStatistics, noteNormalization, trainAsItIs, trainNormalized, type Trainee } from './trainee.js';
import { useDreams, useProceduralImages } from './training-images.js';
import type { Parity } from './verify/parity.js';
import { VERSION } from './version.js';

export type { RecoverOptions } from './recover-options.js';
export type { RecoverDetails, RecoverResult } from './recover-result.js';

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
  const settings = resolveOptions(options);
  await checkOutput(input, output, settings.force);
  const device = await resolveDevice(settings.device);
  const engine = createEngine({ engine: settings.engine, device, threads: settings.threads });
  const run = createRunRecord(options);

  const teacher = await run.stage('read', () =>
    readTeacher(input, engine, { ...settings, batch: settings.preset.distil.batch }),
  );
  await checkDataOutput(input, output, teacher.model, settings.force);
  const notes = [...teacher.notes, ...(settings.recover ? noteNormalization(teacher, settings) : [])];
  for (const note of notes) run.control.onNote(note);
  try {
    const { student, images } = await makeStudent(engine, teacher, settings, run);
    const written = settings.dryRun
      ? null
      : await run.stage('write', () => writeStudent(output, teacher, student, settings, run));
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
        seconds: (performance.now() - start) / 1000,
        sparsity: { target: settings.sparsity, achieved: measureSparsity(network, student) },
        agreement: { pruned: run.agreement('prune'), recovered: run.agreement('distil') },
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

/** Images, pruning, recovery; without recovery, prune alone. */
async function makeStudent(
  engine: Engine,
  teacher: Teacher,
  settings: RecoverSettings,
  { stage, control }: RunRecord,
): Promise<{ student: Student; images: HostTensor | null }> {
  const { sparsity, preset, recover, dryRun } = settings;
  const prune = (network: Network) => () => pruneByMagnitude(network, { sparsity });
  if (!recover) return { student: await stage('prune', prune(teacher.network)), images: null };

  const random = createRandom(settings.seed);
  const calibration =
    settings.calibration === undefined
      ? null
      : await readCalibration(settings.calibration, teacher, { ...control, maxMemory: settings.maxMemory });
  const trainee = hasStatistics(teacher)
    ? trainAsItIs(teacher)
    : await stage('calibrate', () =>
        trainNormalized(engine, teacher, calibration, settings, random.split('calibrate'), control),
      );
  const { network, restore, rate } = trainee;
  const images =
    hasStatistics(teacher) || calibration !== null
      ? await stage('dream', async () => {
          const dreams = await dreamFrom(engine, trainee, teacher, settings, random, control);
          return useDreams(dreams, calibration, preset, random);
        })
      : await useProceduralImages(network.input.shape, teacher.preprocessing, preset, random);
  if (dryRun) return { student: await stage('prune', prune(teacher.network)), images: null };

  const { source } = images;
  // Images without the statistics of the training images have those the teacher gives them.
  const repair = hasStatistics(teacher) ? reestimateStatistics : matchChannelStatistics;
  const agreement = await createMeasure(teacher.classifier, copyTeacher(teacher.network), images.measuring);
  const measure = (student: Student) => agreement(restore(student));
  const pruned = await stage('prune', prune(network), measure);
  const adapted = await stage(
    'statistics',
    () => repair(engine, network, pruned, source, preset.statisticsBatches, control),
    measure,
  );
  const student = await stage(
    'distil',
    async () => {
      const options = { ...preset.distil, learningRate: rate * preset.distil.learningRate };
      const distilled = await distil(engine, network, adapted, source, measure, options, control);
      return roundStudent(teacher.network, restore(distilled));
    },
    agreement,
  );
  return { student, images: images.shown };
}

function dreamFrom(
  engine: Engine,
  { model }: Trainee,
  { preprocessing }: Teacher,
  { preset: { dream: options }, maxMemory, dryRun }: RecoverSettings,
  random: Random,
  control: RunControl,
): Promise<Dreams> {
  return dream(
    engine,
    lowerModel(model, { batch: options.batch, maxMemory }),
    preprocessing,
    dryRun ? { ...options, count: 0 } : options,
    random.split('dream'),
    control,
  );
}

/** Writes the student into a copy of the file, and lets it take the output's name once onnxruntime agrees with us. */
async function writeStudent(
  output: string,
  teacher: Teacher,
  student: Student,
  settings: RecoverSettings,
  { control }: RunRecord,
): Promise<EditedModel & { parity: Parity }> {
  const { model, network } = teacher;
  const { bytes, external } = bakeStudent(model, student, network, {
    externalLocation: basename(dataPath(output)),
    metadata: provenance(model, settings),
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

/** What made the student, enough to make it again; nothing of who or where. */
function provenance({ bytes }: Model, { sparsity, seed, presetName }: RecoverSettings): Map<string, string> {
  return new Map([
    ['onnx_dfkd.version', VERSION],
    ['onnx_dfkd.input_sha256', sha256([bytes])],
    ['onnx_dfkd.sparsity', String(sparsity)],
    ['onnx_dfkd.seed', String(seed)],
    ['onnx_dfkd.preset', presetName],
  ]);
}

function sha256(chunks: readonly Uint8Array[]): string {
  const hash = createHash('sha256');
  for (const chunk of chunks) hash.update(chunk);
  return hash.digest('hex');
}

function describeData(output: string, { chunks }: ExternalFile): RecoverResult['output']['data'] {
  const bytes = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  return { path: dataPath(output), sha256: sha256(chunks), bytes };
}
