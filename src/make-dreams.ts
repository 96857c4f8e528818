import { constants, existsSync } from 'node:fs';
import { access, mkdir, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { DfkdError } from '../converters/errors.js';
import { checkMemory } from '../converters/memory.js';
import type { Model } from '../converters/model.js';
import { createExaminer } from './dream/shards/examine.js';
import { makeShard, measureBaselines } from './dream/shards/make-shard.js';
import {
  identifyTeacher,
  parseShardName,
  planPreprocessing,
  shardName,
  shardRange,
  type DreamPlan,
} from './dream/shards/plan.js';
import { createQuality } from './dream/shards/quality.js';
import { isWhole, listShards, readShard, writeShard } from './dream/shards/set.js';
import { METHODS } from './dream/synthesise.js';
import { resolveDreamsOptions, type DreamsOptions, type DreamsSettings } from './make-dreams-options.js';
import { summarise, type DreamsReport, type DreamsResult } from './dreams-report.js';
import { createEngine } from './engine/create-engine.js';
import { resolveDevice } from './engine/onnxruntime/devices.js';
import { finishDreams, SET_FILES } from './finish-dreams.js';
import { openModel } from './open-model.js';
import { resolvePreprocessing } from './preprocess.js';
import { presetFor } from './presets.js';
import type { RunControl } from './progress.js';
import { readTeacher } from './teacher.js';
import { VERSION } from './version.js';

/**
 * The recipe of stored dreams: makes images from the ONNX classifier at `input` alone, and writes them to `folder` as
 * shards; once all are there, also a manifest, a picture and a report. With a shard to make, that shard alone. Shards
 * that are there already, as of a run that was interrupted, are kept. Throws DfkdError; whatever happens, every
 * shard in the folder is whole.
 */
export async function makeDreams(
  input: string,
  folder: string,
  options: DreamsOptions = {},
): Promise<DreamsResult> {
  const start = performance.now();
  const settings = resolveDreamsOptions(options);
  const plan = await planDreams(input, settings);
  const wanted = settings.shard ? [settings.shard.index] : [...Array(plan.config.shards).keys()];
  const missing = await findMissing(folder, plan, wanted, settings);
  if (missing.length > 0) await makeMissing(input, folder, plan, missing, settings, options);

  const report = settings.shard
    ? await describeShard(folder, plan, settings.shard.index)
    : await finishDreams(folder, plan);
  const made = missing.reduce((sum, index) => sum + shardRange(plan.config, index).size, 0);
  return summarise(folder, report, made, (performance.now() - start) / 1000);
}

/** Names of shards have five digits. */
const MAX_SHARDS = 100_000;

/** How often the weights are held: the file's, the classifier's two, and those that dreaming and examining compile. */
const COPIES = 6;

async function planDreams(teacher: string, settings: DreamsSettings): Promise<DreamPlan> {
  const { count, synthesis, shard, seed, preset } = settings;
  const { model } = await openModel(teacher, settings);
  const shards = shard?.of ?? Math.ceil(count / METHODS[synthesis].shardSize);
  if (shards > MAX_SHARDS) {
    throw new DfkdError(
      'E_ARG',
      `${count} images are more than one run makes; divide them with --shard i/n.`,
    );
  }
  const input = imageShape(model);
  const size = Math.ceil(count / shards);
  checkMemory('A shard', 4 * input.reduce((product, dim) => product * dim, size), settings.maxMemory);
  return {
    version: VERSION,
    teacher: await identifyTeacher(teacher, model),
    seed,
    config: {
      synthesis,
      // The count is another one for each shard.
      options: { ...METHODS[synthesis].work(presetFor(preset, input), size), count: undefined },
      input,
      output: model.graph.outputs[0].name,
      preprocessing: planPreprocessing(resolvePreprocessing(settings.preprocess, model)),
      count,
      shards,
    },
  };
}

/** [channels, height, width]. Throws E_ARG where the file leaves it open, E_UNSUPPORTED where the input is no image. */
function imageShape({ graph }: Model): number[] {
  const { name, shape } = graph.inputs[0];
  const sizes = shape?.slice(1).filter((size) => size !== null) ?? [];
  if (shape?.length !== 4) {
    throw new DfkdError('E_UNSUPPORTED', `Input '${name}' takes no images [batch, channels, height, width].`);
  }
  if (sizes.length === 3) return sizes;
  throw new DfkdError(
    'E_ARG',
    `The size of input '${name}' is open and must be given (--input-shape 3,224,224).`,
  );
}

/** Of the wanted shards, those to make. Throws E_ARG where the folder holds what this run may not touch. */
async function findMissing(
  folder: string,
  plan: DreamPlan,
  wanted: readonly number[],
  { force, resume, shard }: DreamsSettings,
): Promise<number[]> {
  const there = await listShards(folder);
  if (force) return [...wanted];
  if (there.length > 0 && !resume && !shard) {
    throw new DfkdError(
      'E_ARG',
      `'${folder}' holds dreams already; pass --resume to keep them and make the missing ones, or --force to make all anew.`,
    );
  }
  const other = there.find((name) => parseShardName(name)!.shards !== plan.config.shards);
  if (other !== undefined) {
    throw new DfkdError(
      'E_ARG',
      `'${folder}' holds '${other}', of another number of shards than ${plan.config.shards}; choose another folder.`,
    );
  }
  const missing: number[] = [];
  for (const index of wanted) {
    const isThere = there.includes(shardName(index, plan.config.shards));
    if (!isThere || !(await isWhole(folder, plan, index))) missing.push(index);
  }
  return missing;
}

async function makeMissing(
  input: string,
  folder: string,
  plan: DreamPlan,
  missing: readonly number[],
  settings: DreamsSettings,
  control: RunControl,
): Promise<void> {
  await requireWritable(folder);
  const device = await resolveDevice(settings.device);
  const engine = createEngine({ engine: settings.engine, device, threads: settings.threads });
  const { batch } = plan.config.options as { batch: number };
  const teacher = await readTeacher(input, engine, { ...settings, batch: () => batch, copies: COPIES });
  for (const note of teacher.notes) control.onNote?.(note);
  const preset = presetFor(settings.preset, plan.config.input);
  const options = { batch, preset, maxMemory: settings.maxMemory };
  let done = 0;
  const examiner = await createExaminer(engine, teacher.network);
  try {
    const baselines = await measureBaselines(teacher, examiner, plan);
    for (const index of missing) {
      const own = { ...control, ...progressOf(control, done, missing.length) };
      const shard = await makeShard(engine, teacher, examiner, baselines, plan, index, options, own);
      if (done === 0) await prepareFolder(folder, settings);
      await writeShard(folder, shard);
      done++;
    }
  } catch (error) {
    if (!(error instanceof DfkdError) || error.code !== 'E_INTERRUPTED') throw error;
    const whole = (await listShards(folder)).length;
    const kept = `${whole} of ${plan.config.shards} shards are in '${folder}', whole`;
    throw new DfkdError('E_INTERRUPTED', `The run was interrupted; ${kept}, and --resume makes the others.`);
  } finally {
    await examiner.dispose();
    await teacher.classifier.dispose();
  }
}

/** Before any work: a folder that exists, or the nearest one around it that does, takes files. Throws E_IO. */
async function requireWritable(folder: string): Promise<void> {
  let existing = resolve(folder);
  while (!existsSync(existing)) existing = dirname(existing);
  try {
    await access(existing, constants.W_OK);
  } catch (error) {
    throw new DfkdError('E_IO', `'${folder}' cannot be written: ${(error as Error).message}.`, {
      cause: error,
    });
  }
}

/** Makes room for the first shard; what `force` replaces goes only now that there is something to replace it. */
async function prepareFolder(folder: string, { force, shard }: DreamsSettings): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
    if (!force || shard) return;
    for (const name of [...SET_FILES, ...(await listShards(folder))]) {
      await rm(join(folder, name), { force: true });
    }
  } catch (error) {
    throw new DfkdError('E_IO', `'${folder}' cannot be prepared: ${(error as Error).message}.`, {
      cause: error,
    });
  }
}

/** The progress of one shard as part of all that this run makes. */
function progressOf(
  { onProgress }: RunControl,
  done: number,
  shards: number,
): Pick<RunControl, 'onProgress'> {
  if (!onProgress) return {};
  const start = performance.now();
  const after = shards - done - 1;
  return {
    onProgress({ secondsLeft, ...event }) {
      const whole = (performance.now() - start) / 1000 + (secondsLeft ?? 0);
      onProgress({
        ...event,
        step: done * event.steps + event.step,
        steps: shards * event.steps,
        ...(secondsLeft === undefined ? {} : { secondsLeft: secondsLeft + after * whole }),
      });
    },
  };
}

async function describeShard(folder: string, plan: DreamPlan, index: number): Promise<DreamsReport> {
  const quality = createQuality();
  quality.add(await readShard(join(folder, shardName(index, plan.config.shards))));
  return quality.report();
}
