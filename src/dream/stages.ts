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
import type { InversionPreset } from './presets.js';
import { startMoments } from './scales.js';

/** The updates of a batch at one resolution. */
export interface Stage {
  readonly iterations: number;
  /** Of the images it optimises, [batch, channels, height, width]. */
  readonly shape: readonly number[];
  readonly times: StepTimes;
  /** Updates images, enlarged to its resolution if need be, and returns the best of the batches on the way. */
  optimise(images: HostTensor, given: Given, random: Random, watch: Watch): Promise<HostTensor>;
  /** The loss, its terms and the logits of images of its resolution, not moved. */
  evaluate(images: HostTensor, given: Given, circumstances: Circumstances): Promise<Arrays>;
  dispose(): Promise<void>;
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
  readonly mode: DreamMode;
}

/**
 * Compiles a step for each resolution of the preset. Where the teacher's graph takes no other resolution than its own,
 * smaller images are enlarged before it, by the matrices that move them.
 */
export async function compileStages(
  engine: Engine,
  lower: Lowering,
  preprocessing: Preprocessing,
  options: StagesOptions,
  example: Given,
): Promise<Stage[]> {
  const { batch, preset, mode } = options;
  const full = lower(batch);
  const [, channels, ...sizes] = full.input.shape;
  const stages: Stage[] = [];
  for (const { divisor, iterations } of planIterations(preset, options.iterations)) {
    const [height, width] = sizes.map((size) => Math.ceil(size / divisor));
    const network = divisor === 1 ? full : (lower(batch, [height, width]) ?? full);
    const shape = [batch, channels, height, width];
    const move = createMove(network, shape, Math.round((preset.jitter * network.input.shape[2]) / sizes[0]));
    const step = await engine.compile(
      keepBest(createDreamStep(network, preprocessing, preset.weights, mode)),
      {
        state: { ...startState(zeros(shape)), ...example.constants },
        input: { targets: example.targets, ...move(), learningRate: scalar(0) },
      },
    );
    stages.push(createStage(step, shape, move, { ...preset, steps: iterations }));
  }
  return stages;
}

/** Whole numbers of iterations, in all those asked for, and at least one of the teacher's own resolution. */
function planIterations(
  { resolutions }: InversionPreset,
  total: number,
): { divisor: number; iterations: number }[] {
  const early = resolutions.slice(0, -1).map(({ divisor, share }) => ({
    divisor,
    iterations: Math.floor(share * total),
  }));
  const left = early.reduce((rest, { iterations }) => rest - iterations, total);
  const last = { divisor: resolutions[resolutions.length - 1].divisor, iterations: left };
  return [...early.filter(({ iterations }) => iterations > 0), last];
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
      await run({ targets, ...move(random), learningRate: scalar(0) }, circumstances);
      const state = await step.readState();
      requireFiniteState(state, circumstances);
      return state['bestImages'];
    },
    async evaluate(images, { targets, constants }, circumstances) {
      await step.writeState({ ...startState(images), ...constants });
      return run({ targets, ...move(), learningRate: scalar(0) }, circumstances);
    },
    dispose: () => step.dispose(),
  };
}

/** Random moves by up to `reach` pixels of what the network sees, or none. */
function createMove(network: Network, [, , height, width]: readonly number[], reach: number): Move {
  const [, , ...seen] = network.input.shape;
  return (random) => {
    const shift = () => (random ? random.integer(2 * reach + 1) - reach : 0);
    return {
      rows: shiftMatrix(seen[0], shift(), false, height),
      columns: shiftMatrix(seen[1], shift(), random?.integer(2) === 1, width),
    };
  };
}

/** Adam's moments of 0, and nothing kept yet. */
function startState(images: HostTensor): Arrays {
  return { images, ...startMoments(images.shape), ...noBest(images) };
}
