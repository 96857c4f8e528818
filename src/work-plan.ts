import { dream } from './dream/dream.js';
import { createLiveSource, type LiveSource } from './dream/generator/live-source.js';
import { FOLLOW, type ImageSource } from './dream/image-source.js';
import { mixedSource } from './dream/mixed-source.js';
import { inversionPreset } from './dream/presets.js';
import { createPooledProceduralSource } from './dream/procedural/procedural-images.js';
import type { Engine } from './engine/engine.js';
import {
  formatDuration,
  MEASURED_STEPS,
  measurePace,
  type Pace,
  secondsFor,
  stepsWithin,
} from './estimate.js';
import { lowering } from './network/lower-at.js';
import { lowerModel } from './network/lower.js';
import type { Network } from './network/network.js';
import { fromPixelSpace } from './preprocess.js';
import type { Preset } from './presets.js';
import type { RunControl } from './progress.js';
import { createRandom } from './random.js';
import { distil, type DistilOptions } from './recover/distil.js';
import type { ScheduleName } from './recover/gradual.js';
import { chooseClimb, type Climb, type RungName } from './recover/ladder.js';
import type { RunRecord } from './run-record.js';
import { copyTeacher } from './student.js';
import type { Subject } from './trainee.js';

/** How much of synthesis there is time for. */
type Synthesis = Pick<Preset, 'dream' | 'generator' | 'companions'>;

/** How much of the two dear stages there is time for, and what is climbed. */
export interface WorkPlan extends Synthesis, Climb {
  /** About as many as distillation will have. */
  readonly steps: number;
  /** Called when distillation begins. */
  readonly distil: () => DistilOptions;
}

export interface PlanOptions {
  readonly preset: Preset;
  /** Those asked for. */
  readonly rungs: readonly RungName[] | undefined;
  readonly schedule: ScheduleName;
  readonly sparsity: number;
  /** Seconds for the whole run; undefined where the preset alone decides. */
  readonly budget: number | undefined;
  /** Seconds since the run began. */
  readonly elapsed: () => number;
  readonly dryRun: boolean;
  /** Whether somebody is told how long it will take. */
  readonly announce: boolean;
  readonly maxMemory?: number | undefined;
}

/** Of the time for dreaming and distilling, what dreaming may take at most. */
const DREAMING = 0.6;
/** Images are dreamt in fewer iterations only where fewer images would not do. */
const LEAST_ITERATIONS = 20;
/** Of a dream step, what one takes on average where every second batch has a student to compete with. */
const ADAPTIVE = 1.5;
/** Of an update of a generator, what one takes that has a student to compete with, after many steps of distillation. */
const RIVAL = 1.8;
/**
 * What the cheap rungs take, in seconds per layer and in distillation steps without what a live source does, which they
 * take batches from as well; and writing and checking the file.
 */
const PER_LAYER = 0.35;
const CHEAP_STEPS = 20;
const WRITING = 2;

/**
 * Measures a few real steps, says how long the run will take, and fits it to the budget: dreaming first, at most as the
 * preset has it, and distillation for as long as then is left, with the preset's learning rate stretched over it.
 */
export async function planWork(
  engine: Engine,
  subject: Subject,
  options: PlanOptions,
  { stage, control }: RunRecord,
): Promise<WorkPlan> {
  const { preset, budget, dryRun } = options;
  if (dryRun || (budget === undefined && !options.announce)) {
    const { dream: images, generator, companions } = preset;
    const { steps } = preset.distil;
    const climb = chooseClimb(options.rungs, options, steps);
    return { dream: images, generator, companions, ...climb, steps, distil: () => preset.distil };
  }
  return stage('plan', () => measureAndPlan(engine, subject, options, control));
}

async function measureAndPlan(
  engine: Engine,
  subject: Subject,
  options: PlanOptions,
  control: RunControl,
): Promise<WorkPlan> {
  const { preset, rungs, budget = Infinity, elapsed } = options;
  const { distil: distilling } = preset;
  const pace = await measureStages(engine, subject, options, control);
  const fit = ({ rungs: climbed }: Climb) => fitWork(subject, pace, climbed, options);
  let climb = chooseClimb(rungs, options, distilling.steps);
  let work = fit(climb);
  const fitted = chooseClimb(rungs, options, work.steps);
  if (climb.gradual !== fitted.gradual) {
    // A short budget's few steps call for the cheap rungs, which leave fewer still; a long one's many do without.
    climb = fitted;
    work = fit(climb);
  }
  const { synthesis, steps, dreaming, recovering } = work;
  const whole = elapsed() + dreaming + recovering + WRITING;
  control.onNote?.(
    `The whole run will take about ${formatDuration(whole)}: ${formatDuration(dreaming)} to dream, ${formatDuration(recovering)} to recover.`,
  );
  if (whole > 1.1 * budget) {
    control.onNote?.(`A budget of ${formatDuration(budget)} is too short for the least there is to do.`);
  }
  return {
    ...synthesis,
    ...climb,
    steps,
    distil() {
      if (budget === Infinity) return distilling;
      return { ...distilling, steps: Math.max(1, stepsWithin(budget - elapsed() - WRITING, pace.distil)) };
    },
  };
}

/** Synthesis and steps of distillation that there is time for beside the cheap rungs; what they take, in seconds. */
function fitWork(
  subject: Subject,
  pace: StagePaces,
  rungs: readonly RungName[],
  { preset, budget = Infinity, elapsed }: PlanOptions,
): {
  readonly synthesis: Synthesis;
  readonly steps: number;
  readonly dreaming: number;
  readonly recovering: number;
} {
  const distils = rungs.includes('distil');
  const solving = rungs.includes('reconstruct') ? PER_LAYER * subject.network.layers.length : 0;
  const drawing = drawingPace(pace.generator);
  const cheap =
    solving + batchesOfRungs(rungs, preset) * drawing + CHEAP_STEPS * (pace.distil.perStep - drawing);

  const free = budget - elapsed() - cheap - WRITING;
  const most = distils ? DREAMING * free : free;
  const { seconds: dreaming, ...synthesis } = fitSynthesis(preset, subject, pace, most);
  const left = Math.max(0, free - dreaming);
  const [steps, wanted] =
    budget === Infinity
      ? [preset.distil.steps, secondsFor(preset.distil.steps, pace.distil)]
      : [stepsWithin(left, pace.distil), left];
  return { synthesis, steps, dreaming, recovering: cheap + (distils ? wanted : 0) };
}

/** Batches that the rungs ask for before the first step of distillation: each averages statistics once. */
function batchesOfRungs(
  rungs: readonly RungName[],
  { statisticsBatches, reconstruct }: PlanOptions['preset'],
): number {
  return rungs.length * statisticsBatches + (rungs.includes('reconstruct') ? reconstruct.batches : 0);
}

interface StagePaces {
  /** Of one update of images; of nothing where none are made. */
  readonly dream: Pace;
  /** Of one update of a generator; of nothing where there is none. */
  readonly generator: Pace;
  /** With what a live source does for each batch. */
  readonly distil: Pace;
}

/** Seconds that a live source takes for a batch, most of them without an update. */
const drawingPace = ({ perStep }: Pace): number => (RIVAL * perStep) / FOLLOW;

const NOTHING: Pace = { setUp: 0, perStep: 0 };

async function measureStages(
  engine: Engine,
  subject: Subject,
  { preset, maxMemory }: Pick<PlanOptions, 'preset' | 'maxMemory'>,
  control: RunControl,
): Promise<StagePaces> {
  const { model, network, preprocessing, synthesis } = subject;
  if (synthesis !== 'generator') {
    return {
      dream: synthesis ? await measureDreaming(engine, subject, preset, maxMemory, control) : NOTHING,
      generator: NOTHING,
      distil: await measureDistillation(engine, network, noiseSource(subject), preset.distil, control),
    };
  }
  const small = lowerModel(model, { batch: preset.generator.batch, maxMemory });
  const few = { ...preset.generator, warmUp: MEASURED_STEPS, measured: 0 };
  let source: LiveSource | undefined;
  try {
    const dream = await measureDreaming(engine, subject, preset, maxMemory, control);
    const generator = await measurePace(async (own) => {
      source = await createLiveSource(engine, small, preprocessing, few, createRandom(0), own);
    }, control);
    const drawn = createPooledProceduralSource(small.input.shape, preprocessing, few, createRandom(0));
    const mixed = mixedSource(source!, drawn, preset.procedural);
    const distil = await measureDistillation(engine, network, mixed, preset.distil, control);
    // No update of the generator is among the steps that count.
    return { dream, generator, distil: { ...distil, perStep: distil.perStep + drawingPace(generator) } };
  } finally {
    await source?.dispose();
  }
}

/** What of the preset's synthesis there is time for, and how much that is. */
function fitSynthesis(
  preset: Preset,
  { synthesis }: Subject,
  pace: StagePaces,
  seconds: number,
): Synthesis & { readonly seconds: number } {
  const { dream, generator, companions } = preset;
  if (synthesis === 'deepinversion' || synthesis === 'adaptive') {
    const fitted = fitDreams(preset, pace.dream, seconds);
    const cost = synthesis === 'adaptive' ? ADAPTIVE : 1;
    const steps = cost * stepsOf(fitted);
    return { dream: fitted, generator, companions, seconds: secondsFor(steps, pace.dream) };
  }
  if (synthesis === null) return { dream, generator, companions, seconds: 0 };
  return { dream, ...fitGenerator(preset, pace, seconds) };
}

/** The generator's warm-up and its companions, both less by the same share where time is short. */
export function fitGenerator(
  { generator, companions }: Pick<Preset, 'generator' | 'companions'>,
  pace: Pick<StagePaces, 'dream' | 'generator'>,
  seconds: number,
): Pick<WorkPlan, 'generator' | 'companions'> & { readonly seconds: number } {
  const time = (batches: number, warmUp: number) =>
    secondsFor(batches * companions.iterations, pace.dream) + secondsFor(warmUp, pace.generator);
  const setUp = pace.dream.setUp + pace.generator.setUp;
  const whole = time(companions.batches, generator.warmUp);
  const share = Math.min(1, Math.max(0, seconds - setUp) / (whole - setUp));
  const batches = Math.floor(share * companions.batches);
  const warmUp = Math.max(Math.min(LEAST_ITERATIONS, generator.warmUp), Math.floor(share * generator.warmUp));
  return {
    generator: { ...generator, warmUp },
    companions: { ...companions, batches },
    seconds: time(batches, warmUp),
  };
}

function measureDreaming(
  engine: Engine,
  subject: Subject,
  preset: Preset,
  maxMemory: number | undefined,
  control: RunControl,
): Promise<Pace> {
  const { model, preprocessing } = subject;
  const { start = 'noise' } = subject.synthesis === 'generator' ? preset.companions : preset.dream;
  const few = { ...preset.dream, start, count: 1, iterations: MEASURED_STEPS };
  const lower = lowering(model, { maxMemory });
  const { length } = inversionPreset(subject.network.input.shape).courses[start].resolutions;
  const work = (own: RunControl) => dream(engine, lower, preprocessing, few, createRandom(0), own);
  return measurePace(work, control, length > 0 ? MEASURED_STEPS - 1 : undefined);
}

function measureDistillation(
  engine: Engine,
  network: Network,
  source: ImageSource,
  options: Preset['distil'],
  control: RunControl,
): Promise<Pace> {
  const short = { ...options, steps: MEASURED_STEPS, checks: 1 };
  return measurePace(
    (own) => distil(engine, network, copyTeacher(network), source, () => Promise.resolve(0), short, own),
    control,
  );
}

/** The same noise for each batch: what images show does not matter to the time. */
function noiseSource({ network, preprocessing }: Subject): ImageSource {
  const { shape } = network.input;
  const noise = createRandom(0).gaussian(shape.reduce((product, size) => product * size, 1));
  const images = fromPixelSpace({ shape, data: noise }, preprocessing);
  return { next: () => Promise.resolve(images) };
}

const batchesOf = ({ count, batch }: Preset['dream']): number => Math.ceil(count / batch);
const stepsOf = (options: Preset['dream']): number => batchesOf(options) * options.iterations;

/** As many whole batches of dreams as end in time; at least one more than is held out, of fewer iterations if need be. */
export function fitDreams({ dream: wanted, heldOut }: Preset, pace: Pace, seconds: number): Preset['dream'] {
  const steps = Math.min(stepsOf(wanted), stepsWithin(seconds, pace));
  const least = Math.min(batchesOf(wanted), Math.ceil(heldOut / wanted.batch) + 1);
  const batches = Math.max(least, Math.floor(steps / wanted.iterations));
  const iterations = Math.min(wanted.iterations, Math.max(LEAST_ITERATIONS, Math.floor(steps / batches)));
  return { ...wanted, count: batches * wanted.batch, iterations };
}
