import { toArrays } from '../classifier.js';
import type { Arrays, Engine, HostTensor } from '../engine/engine.js';
import type { Lowering } from '../network/lower-at.js';
import { fromPixelSpace, type Preprocessing } from '../preprocess.js';
import { throwIfInterrupted, type RunControl } from '../progress.js';
import type { Random } from '../random.js';
import { atStep, type Circumstances } from '../require-finite.js';
import type { Student } from '../student.js';
import { STUDENT, type DreamMode } from './dream-step.js';
import type { Dreams } from './dreams.js';
import { naturalNoise } from './noise.js';
import { drawImages } from './procedural/procedural-images.js';
import { inversionPreset, type InversionPreset, type StartName } from './presets.js';
import { compileStages, type Given, type Optimised, type Stage } from './stages.js';
import { balancedTargets, oneHot, predictedClasses } from './targets.js';

export interface InversionOptions {
  /** Images of a batch; the preset may allow fewer. */
  readonly batch: number;
  /** Number of the first image, where these are a part of more; classes follow one another over all. Default 0. */
  readonly first?: number | undefined;
  /** Updates of each image, at all resolutions together. */
  readonly iterations: number;
  /** How; default by the size of the teacher's input. */
  readonly preset?: InversionPreset | undefined;
  /** `classes` (default): balanced ones, in each batch and over all. `entropy`: whatever the teacher is sure of. */
  readonly targets?: DreamMode['targets'];
  /** What the images are before the first update. Default noise, as in the paper. */
  readonly start?: StartName | undefined;
  /**
   * Adaptive DeepInversion: the student to compete with, asked for anew for each batch, so that it may be in training.
   * Its weights are those of the teacher's network, by name.
   */
  readonly student?: (() => Student) | undefined;
}

export interface InvertedBatch extends Dreams {
  /** What the teacher gives for the images, [batch, classes]. */
  readonly logits: HostTensor;
  /** The loss and its terms by name, of the images as they are. */
  readonly terms: Readonly<Record<string, number>>;
}

/** DeepInversion, compiled: batches on demand. */
export interface Inversion {
  /** Images of a batch. */
  readonly batch: number;
  /** Batch `index`: a function of the teacher, the options, the stream, the index and the student alone. */
  dream(index: number, place?: Place): Promise<InvertedBatch>;
  dispose(): Promise<void>;
}

/** Where a batch stands among the steps of a run, for its progress; default alone. */
export interface Place {
  readonly before: number;
  readonly steps: number;
}

const ADVICE = "the teacher's weights or its preprocessing may be wrong";

/**
 * Prepares the synthesis of images from the teacher alone (arXiv 1912.08795): each batch begins as noise, or what `start`
 * says, and goes through the resolutions of the preset, at each of them to the iterate of lowest loss (`keepBest`).
 */
export async function createInversion(
  engine: Engine,
  lower: Lowering,
  preprocessing: Preprocessing,
  options: InversionOptions,
  random: Random,
  control: RunControl = {},
): Promise<Inversion> {
  const { iterations, student, targets: mode = 'classes', start = 'noise' } = options;
  const preset = options.preset ?? inversionPreset(lower(1).input.shape);
  const batch = Math.min(options.batch, preset.batch);
  const network = lower(batch);
  const { classes } = network.output;
  const classesOf = balancedTargets(classes, batch, options.first);
  const given = (index: number) => {
    const weights = Object.entries(student ? toArrays(network, student().weights) : {});
    return {
      targets: oneHot(classesOf(index), classes),
      constants: Object.fromEntries(weights.map(([name, array]) => [STUDENT + name, array])),
    };
  };
  const stages = await compileStages(
    engine,
    lower,
    preprocessing,
    {
      batch,
      iterations,
      preset,
      course: preset.courses[start],
      mode: { targets: mode, adaptive: student !== undefined },
    },
    given(0),
  );

  async function dream(index: number, { before, steps }: Place = { before: 0, steps: iterations }) {
    const stream = random.split(String(index));
    const own = given(index);
    let done = before;
    const begin = () => {
      throwIfInterrupted(control);
      return atStep('dream step', done + 1, steps, ADVICE);
    };
    if (stages.length > 1) await measureStages(stages, own, begin());
    let made: Optimised = {
      images: startImages(START[start], stages[0], preprocessing, stream),
      output: null,
    };
    for (const stage of stages) {
      const end = (_: number, output: Arrays) => {
        done++;
        const left = secondsLeft(stages, done - before, steps - done);
        control.onProgress?.({
          stage: 'dream',
          step: done,
          steps,
          terms: termsOf(output),
          ...(left === undefined ? {} : { secondsLeft: left }),
        });
      };
      made = await stage.optimise(made.images, own, stream, { begin, end });
    }
    const last = stages[stages.length - 1];
    const { images } = made;
    const output =
      made.output ?? (await last.evaluate(images, own, atStep('dream step', done, steps, ADVICE)));
    const { logits } = output;
    return {
      images: fromPixelSpace(images, preprocessing),
      targets: mode === 'classes' ? classesOf(index) : predictedClasses(logits),
      logits: { shape: logits.shape, data: logits.data.slice() },
      terms: termsOf(output),
    };
  }

  return {
    batch,
    dream,
    async dispose() {
      for (const stage of stages) await stage.dispose();
    },
  };
}

type Draw = (shape: readonly number[], random: Random) => Float32Array;

/**
 * Images to begin with, [batch, channels, height, width] in normalised pixel space. Procedural ones have edges, colours and
 * light that differ from image to image, and keep much of that in a few dozen updates.
 */
const START = {
  noise: naturalNoise,
  procedural: (shape: readonly number[], random: Random) => drawImages(shape, random).data,
} as const satisfies Record<StartName, Draw>;

/** Within the valid range. */
function startImages(draw: Draw, { shape }: Stage, { range }: Preprocessing, random: Random): HostTensor {
  const images = draw(shape, random);
  return { shape, data: range ? images.map((x) => Math.min(Math.max(x, range.low), range.high)) : images };
}

/** The loss and its terms, without the logits. */
function termsOf(output: Arrays): Record<string, number> {
  const scalars = Object.entries(output).filter(([, { shape }]) => shape.length === 0);
  return Object.fromEntries(scalars.map(([name, { data }]) => [name, data[0]]));
}

/** Runs of a stage before the first batch: one that allocates, and three whose median stands a pause in one of them. */
const TRIALS = 4;

/** Runs the stages that never ran, so that the time left is known from the first iteration on. */
async function measureStages(
  stages: readonly Stage[],
  given: Given,
  circumstances: Circumstances,
): Promise<void> {
  for (const stage of stages.filter(({ times }) => times.median() === undefined)) {
    const size = stage.shape.reduce((product, length) => product * length, 1);
    const images = { shape: stage.shape, data: new Float32Array(size) };
    for (let i = 0; i < TRIALS; i++) await stage.evaluate(images, given, circumstances);
  }
}

/**
 * Of all batches, each stage by its own cost; undefined before every stage has run.
 * @param done iterations of this batch
 * @param left iterations of this batch and those after it
 */
function secondsLeft(stages: readonly Stage[], done: number, left: number): number | undefined {
  let seconds = 0;
  let before = 0;
  const perBatch = stages.reduce((sum, { iterations }) => sum + iterations, 0);
  const batchesAfter = (left + done) / perBatch - 1;
  for (const { iterations, times } of stages) {
    const cost = times.median();
    if (cost === undefined) return undefined;
    const own = iterations - Math.min(Math.max(done - before, 0), iterations);
    seconds += cost * (own + batchesAfter * iterations);
    before += iterations;
  }
  return seconds;
}
