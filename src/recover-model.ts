import { createHash } from 'node:crypto';
import { bakeStudent } from './bake/bake.js';
import { createDreamSource, holdOut } from './dream/dream-source.js';
import { dream, type Dreams } from './dream/dream.js';
import { createEngine } from './engine/create-engine.js';
import type { Engine } from './engine/engine.js';
import { lowerModel } from './network/lower.js';
import { checkOutput, writeWhole } from './output-file.js';
import { throwIfInterrupted } from './progress.js';
import { pruneByMagnitude } from './prune/magnitude.js';
import { createRandom } from './random.js';
import { resolveOptions, type RecoverOptions, type RecoverSettings } from './recover-options.js';
import { describeLayers, showImages, withDetails, type RecoverResult } from './recover-result.js';
import { createMeasure, distil } from './recover/distil.js';
import { reestimateStatistics } from './recover/statistics.js';
import { createRunRecord, type RunRecord } from './run-record.js';
import { copyTeacher, measureSparsity, type Student } from './student.js';
import { compareWithFile, readTeacher, type Teacher } from './teacher.js';
import type { Parity } from './verify/parity.js';

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
  const engine = createEngine({ engine: settings.engine, threads: settings.threads });
  const run = createRunRecord(options);

  const teacher = await run.stage('read', () =>
    readTeacher(input, engine, { ...settings, batch: settings.preset.distil.batch }),
  );
  const notes = teacher.preprocessing.note === undefined ? [] : [teacher.preprocessing.note];
  for (const note of notes) options.onNote?.(note);
  try {
    const { student, dreams } = await makeStudent(engine, teacher, settings, run);
    const written = settings.dryRun
      ? null
      : await run.stage('write', () => writeStudent(output, teacher, student, settings, run));
    const { network, preprocessing, model } = teacher;
    return withDetails(
      {
        input: { path: input, sha256: sha256(model.bytes) },
        output: {
          path: output,
          sha256: written && sha256(written.bytes),
          bytes: written?.bytes.length ?? null,
        },
        seed: settings.seed,
        preset: settings.presetName,
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
    () => distil(engine, network, adapted, source, measure, distilling, control),
    measure,
  );
  return { student, dreams };
}

/** Writes the student into a copy of the file, and lets it take the output's name once onnxruntime agrees with us. */
async function writeStudent(
  output: string,
  teacher: Teacher,
  student: Student,
  { threads }: RecoverSettings,
  { control }: RunRecord,
): Promise<{ bytes: Uint8Array; parity: Parity }> {
  const bytes = bakeStudent(teacher.model, student, teacher.network);
  const parity = await writeWhole(output, bytes, async (file) => {
    // A small probability is as wrong, relatively, as its logit is absolutely, and logits may be large.
    const { logits, name } = teacher.network.output;
    const tolerance = logits === name ? {} : { atol: 1e-4 };
    const measured = await compareWithFile(teacher, student, file, 'The written file', threads, tolerance);
    throwIfInterrupted(control);
    return measured;
  });
  return { bytes, parity };
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
