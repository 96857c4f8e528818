import type { Arrays, CompiledStep, Engine, HostTensor } from '../engine/engine.js';
import { scalar, zeros } from '../engine/host-tensor.js';
import type { Lowering } from '../network/lower-at.js';
import type { Network } from '../network/network.js';
import { adamLearningRate } from '../optimise/adam.js';
import { cosineLearningRate } from '../optimise/schedules.js';
import type { Preprocessing } from '../preprocess.js';
import type { Random } from '../random.js';
import { requireFiniteOutput, requireFiniteState, type Circumstances } from '../require-finite.js';
import { createStepTimes, type StepTimes } from '../step-times.js';
import { ADAM, createDreamStep, type DreamMode } from './dream-step.js';
import { enlarge, shiftMatrix } from './jitter.js';
import { keepBest, noBest } from './keep-best.js';
import type { Course, InversionPreset } from './presets.js';
import { startMoments } from './scales.js';

/** The updates of a batch at one resolution. */
export interface Stage {
  readonly iterations: number;
  /** Of the images it optimises, [batch, channels, height, width]. */
  readonly shape: readonly number[];
  readonly times: StepTimes;
  /** Updates images, enlarged to its resolution if need be. */
  optimise(images: HostTensor, given: Given, random: Random, watch: Watch): Promise<Optimised>;
  /** What the step gives for images of its resolution, not moved: the loss, its terms and the logits. */
  evaluate(images: HostTensor, given: Given, circumstances: Circumstances): Promise<Arrays>;
  dispose(): Promise<void>;
}

export interface Optimised {
  /** Those of lowest loss on the way. */
  readonly images: HostTensor;
  /** As `evaluate` gives it, where they are the last: it was computed for the comparison. */
  readonly output: Arrays | null;
}

/** What stays the same while a batch is optimised. */
export interface Given {
  /** One-hot, [batch, classes]. */
  readonly targets: HostTensor;
  /** The part of the step's state beside the images: the student, where there is one. */
  readonly constants: Arrays;
}

/** Who follows the iterations of a stage, 0 <= iteration < iterations. */
export interface Watch {
  /** Before each; throws to end the run. Returns where it is, for messages. */
  begin(iteration: number): Circumstances;
  end(iteration: number, output: Arrays): void;
}

export interface StagesOptions {
  readonly batch: number;
  readonly iterations: number;
  readonly preset: InversionPreset;
  readonly course: Course;
  readonly mode: DreamMode;
}

/** Compiles a step for each resolution of the plan that the teacher's graph takes, its own at least. */
export async function compileStages(
  engine: Engine,
  lower: Lowering,
  preprocessing: Preprocessing,
  options: StagesOptions,
  example: Given,
): Promise<Stage[]> {
  const { preset, course, mode } = options;
  const planned = planResolutions(lower, options);
  const [, , fullHeight] = planned[planned.length - 1].network.input.shape;
  const stages: Stage[] = [];
  for (const { network, iterations } of planned) {
    const { shape } = network.input;
    const move = createMove(shape, Math.round((preset.jitter * shape[2]) / fullHeight));
    const step = await engine.compile(
      keepBest(createDreamStep(network, preprocessing, preset.weights, mode, course.falloff)),
      {
        state: { ...startState(zeros(shape)), ...example.constants },
        input: { targets: example.targets, ...move(), learningRate: scalar(0) },
      },
    );
    stages.push(createStage(step, shape, move, { ...course, warmUp: preset.warmUp, steps: iterations }));
  }
  return stages;
}

/**
 * The networks to go through, that of the teacher's own resolution last, and whole numbers of iterations, in all those asked
 * for. What would be done at a resolution that the graph does not take is done at the teacher's own: enlarging the images
 * before it costs as much and gives less (a VGG's from noise in 60 updates, half of them at half the size: loss 1.66 in place
 * of 1.18).
 */
function planResolutions(
  lower: Lowering,
  { batch, iterations, course: { resolutions } }: StagesOptions,
): { network: Network; iterations: number }[] {
  const full = lower(batch);
  const [, , ...sizes] = full.input.shape;
  const early = resolutions.flatMap(({ divisor, share }) => {
    const [height, width] = sizes.map((size) => Math.ceil(size / divisor));
    const some = Math.floor(share * iterations);
    const network = some > 0 ? lower(batch, [height, width]) : undefined;
    return network ? [{ network, iterations: some }] : [];
  });
  const left = early.reduce((rest, { iterations: some }) => rest - some, iterations);
  return [...early, { network: full, iterations: left }];
}

type Move = (random?: Random) => Pick<Arrays, 'rows' | 'columns'>;

function createStage(
  step: CompiledStep,
  shape: readonly number[],
  move: Move,
  schedule: Parameters<typeof cosineLearningRate>[0],
): Stage {
  const times = createStepTimes();
  const iterations = schedule.steps;
  let warm = false;

  async function run(input: Arrays, circumstances: Circumstances): Promise<Arrays> {
    const start = performance.now();
    const output = await step.run(input);
    // The first run also allocates.
    if (warm) times.add((performance.now() - start) / 1000);
    warm = true;
    await requireFiniteOutput(step, output, circumstances);
    return output;
  }

  return {
    iterations,
    shape,
    times,
    async optimise(images, { targets, constants }, random, watch) {
      await step.writeState({ ...startState(enlarge(images, shape)), ...constants });
      let circumstances = watch.begin(0);
      for (let i = 0; i < iterations; i++) {
        if (i > 0) circumstances = watch.begin(i);
        const rate = adamLearningRate(cosineLearningRate(schedule, i), i + 1, ADAM);
        watch.end(i, await run({ targets, ...move(random), learningRate: scalar(rate) }, circumstances));
      }
      // The last update's images have not been compared yet.
      const output = await run({ targets, ...move(), learningRate: scalar(0) }, circumstances);
      const state = await step.readState();
      requireFiniteState(state, circumstances);
      const { bestImages, bestLoss } = state;
      return { images: bestImages, output: output['loss'].data[0] === bestLoss.data[0] ? output : null };
    },
    async evaluate(images, { targets, constants }, circumstances) {
      await step.writeState({ ...startState(images), ...constants });
      return run({ targets, ...move(), learningRate: scalar(0) }, circumstances);
    },
    dispose: () => step.dispose(),
  };
}

/** Random moves by up to `reach` pixels, or none. */
function createMove([, , height, width]: readonly number[], reach: number): Move {
  return (random) => {
    const shift = () => (random ? random.integer(2 * reach + 1) - reach : 0);
    return {
      rows: shiftMatrix(height, shift()),
      columns: shiftMatrix(width, shift(), random?.integer(2) === 1),
    };
  };
}

/** Adam's moments of 0, and nothing kept yet. */
function startState(images: HostTensor): Arrays {
  return { images, ...startMoments(images.shape), ...noBest(images) };
}
