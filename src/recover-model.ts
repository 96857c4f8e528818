import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import type { ExternalFile } from '../converters/external-layout.js';
import type { Model } from '../converters/model.js';
import type { EditedModel } from '../converters/write.js';
import { bakeStudent } from './bake/bake.js';
import { createDreamSource, holdOut } from './dream/dream-source.js';
import { dream, type Dreams } from './dream/dream.js';
import { createEngine } from './engine/create-engine.js';
import type { Engine } from './engine/engine.js';
import { resolveDevice } from './engine/onnxruntime/devices.js';
import { lowerModel } from './network/lower.js';
import { checkDataOutput, checkOutput, dataPath, writeWhole } from './output-file.js';
import { throwIfInterrupted } from './progress.js';
import { pruneByMagnitude } from './prune/magnitude.js';
import { createRandom } from './random.js';
import { resolveOptions, type RecoverOptions, type RecoverSettings } from './recover-options.js';
import { describeLayers, showImages, withDetails, type RecoverResult } from './recover-result.js';
import { createMeasure, distil } from './recover/distil.js';
import { reestimateStatistics } from './recover/statistics.js';
import { createRunRecord, type RunRecord } from './run-record.js';
import { copyTeacher, measureSparsity, roundStudent, type Student } from './student.js';
import { compareWithFile, readTeacher, type Teacher } from './teacher.js';
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
  await checkDataOutput(input, output, teacher.model, { force: settings.force, report: options.report });
  const { notes } = teacher;
  for (const note of notes) options.onNote?.(note);
  try {
    const { student, dreams } = await makeStudent(engine, teacher, settings, run);
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
        notes,
        layers: describeLayers(network, student),
        curves: run.curves(),
        images: dreams && showImages(dreams.images, preprocessing, SHOWN),
      },
    );
  } finally {
    await teacher.classifier.dispose();
  }
}

/** Dream, prune, recover; without recovery, prune alone. */
async function makeStudent(
  engine: Engine,
  teacher: Teacher,
  { sparsity, seed, preset, recover, dryRun, maxMemory }: RecoverSettings,
  { stage, control }: RunRecord,
): Promise<{ student: Student; dreams: Dreams | null }> {
  const { model, network, preprocessing, classifier } = teacher;
  const { dream: dreaming, distil: distilling, heldOut, statisticsBatches, shift } = preset;
  const random = createRandom(seed);
  const prune = () => pruneByMagnitude(network, { sparsity });
  if (!recover) return { student: await stage('prune', prune), dreams: null };

  const dreams = await stage('dream', () =>
    dream(
      engine,
      lowerModel(model, { batch: dreaming.batch, maxMemory }),
      preprocessing,
      dryRun ? { ...dreaming, count: 0 } : dreaming,
      random.split('dream'),
      control,
    ),
  );
  if (dryRun) return { student: await stage('prune', prune), dreams: null };

  const { training, measuring } = holdOut(dreams, heldOut, random.split('hold out'));
  const measure = await createMeasure(classifier, copyTeacher(network), measuring.images);
  const source = createDreamSource(training, shift, random.split('source'));

  const pruned = await stage('prune', prune, measure);
  const adapted = await stage(
    'statistics',
    () => reestimateStatistics(engine, network, pruned, source, statisticsBatches, control),
    measure,
  );
  const student = await stage(
    'distil',
    async () => {
      const distilled = await distil(engine, network, adapted, source, measure, distilling, control);
      return roundStudent(network, distilled);
    },
    measure,
  );
  return { student, dreams };
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
