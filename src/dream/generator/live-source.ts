import { toArrays } from '../../classifier.js';
import type { Arrays, Engine, HostTensor } from '../../engine/engine.js';
import { copy, scalar } from '../../engine/host-tensor.js';
import type { Network } from '../../network/network.js';
import { adamLearningRate } from '../../optimise/adam.js';
import { prefixed } from '../../prefix.js';
import type { Preprocessing } from '../../preprocess.js';
import { throwIfInterrupted, type RunControl } from '../../progress.js';
import type { Random } from '../../random.js';
import { requireFiniteOutput } from '../../require-finite.js';
import type { Student } from '../../student.js';
import { takeImages } from '../dream-source.js';
import { ImagePool } from '../image-pool.js';
import { FOLLOW, type ImageSource } from '../image-source.js';
import { windowMatrix } from '../jitter.js';
import { createGenerator } from './generator.js';
import {
  ADAM,
  createGeneratorStep,
  generatorState,
  STUDENT,
  type GeneratorWeights,
} from './generator-step.js';
import { drawVariation, pairedTargets } from './variation.js';

export interface GeneratorOptions {
  /** Images drawn at once. */
  readonly batch: number;
  /** Channels of the generator at the images' resolution. */
  readonly width: number;
  readonly weights: GeneratorWeights;
  /** Of Adam. */
  readonly learningRate: number;
  /** Updates before the first image is used, against the teacher alone. */
  readonly warmUp: number;
  /** Batches kept to be used again; the oldest leaves when another comes. */
  readonly pool: number;
  /** Images set apart to measure a student on. */
  readonly measured: number;
  /** Images are shifted by up to this many pixels whenever they are used. */
  readonly shift: number;
}

/** Images [count, channels, height, width] as the model takes them, the classes wanted, and logits [count, classes]. */
interface Drawn {
  readonly images: HostTensor;
  readonly targets: readonly number[];
  readonly logits: HostTensor;
}

/** What a student is measured on is drawn from this share of the warm-up on, until images are kept to learn from. */
const MEASURED_FROM = 1 / 3;
const KEPT_FROM = 2 / 3;
/** Images of one update to measure on: of few, so that they come from many. */
const MEASURED_AT_ONCE = 16;

/**
 * A source that goes on learning, by one update for every FOLLOW batches asked for: half of the first was drawn for it, the
 * others come from the pool alone.
 */
export interface LiveSource extends ImageSource {
  /**
   * [measured, channels, height, width], drawn over the warm-up and never handed out. A generator that has learnt for long
   * draws what a student agrees on easily (all of 128 images, where it was wrong on 1 real image in 6); they come from
   * better and worse ones, like real images from many places.
   */
  readonly measuring: HostTensor;
  /** At least `count` images drawn now that are not kept, the classes they were drawn for, and the teacher's logits. */
  draw(count: number): Promise<Drawn>;
  follow(student: Student): Promise<void>;
  dispose(): Promise<void>;
}

const ADVICE = "the teacher's weights or its preprocessing may be wrong";

/**
 * Trains a generator against the teacher, and from the first `follow` on also against the student that learns from its
 * images: adversarial distillation without data (arXiv 1912.11006, 1905.09768) with DeepInversion's batch-norm term
 * (arXiv 1912.08795). What it draws is handed out at once and, from a pool, again and again.
 */
export async function createLiveSource(
  engine: Engine,
  network: Network,
  preprocessing: Preprocessing,
  options: GeneratorOptions,
  random: Random,
  control: RunControl = {},
): Promise<LiveSource> {
  const { shape } = network.input;
  const { width } = options;
  const generator = createGenerator(
    shape,
    network.output.classes,
    preprocessing,
    width,
    random.split('weights'),
  );
  const [variation, choice] = [random.split('variation'), random.split('choice')];
  const kind = { classes: network.output.classes, channels: shape[1] };
  const classesOf = pairedTargets(kind.classes, network.batch);
  let drawn = 0;
  let followed = false;
  const stepInput = (): Arrays => ({
    ...drawVariation(classesOf(drawn), kind, variation),
    learningRate: scalar(adamLearningRate(options.learningRate, drawn + 1, ADAM)),
    rows: middle(shape[2], generator.canvas[0]),
    columns: middle(shape[3], generator.canvas[1]),
  });
  const compile = (state: Arrays) =>
    engine.compile(createGeneratorStep(network, generator, preprocessing, options.weights), {
      state,
      input: stepInput(),
    });
  let step = await compile(generatorState(generator));

  async function update(): Promise<Drawn> {
    throwIfInterrupted(control);
    const targets = classesOf(drawn);
    const { images, logits, ...terms } = await step.run(stepInput());
    drawn++;
    const where = `in update ${drawn} of the generator`;
    await requireFiniteOutput(step, { images, logits, ...terms }, { when: where, advice: ADVICE });
    if (drawn <= options.warmUp) {
      const values = Object.entries(terms).map(([name, { data }]) => [name, data[0]]);
      const at = { stage: 'dream', step: drawn, steps: options.warmUp };
      control.onProgress?.({ ...at, terms: Object.fromEntries(values) as Record<string, number> });
    }
    return { images: copy(images), targets, logits: copy(logits) };
  }

  let handedOut = 0;
  const pool = new ImagePool(options.pool, options.shift, choice);
  const measuring: HostTensor[] = [];
  const atOnce = Math.min(MEASURED_AT_ONCE, Math.ceil(network.batch / 2));
  const times = Math.ceil(options.measured / atOnce);
  while (drawn < options.warmUp) {
    const { images } = await update();
    const due = ((drawn / options.warmUp - MEASURED_FROM) / (KEPT_FROM - MEASURED_FROM)) * times;
    // Those of the last updates serve to begin with.
    if (drawn > options.warmUp * KEPT_FROM) pool.keep(images);
    else if (measuring.length < Math.min(due, times)) measuring.push(pick(images, atOnce, choice));
  }
  // Too short a warm-up leaves some to be drawn now.
  while (measuring.length < times) measuring.push(pick((await update()).images, atOnce, choice));

  return {
    measuring: takeImages(join(measuring, shape), [...Array(options.measured).keys()]),
    async next(size) {
      const draws = handedOut++ % FOLLOW === 0;
      if (draws) pool.keep((await update()).images);
      return pool.take(size, draws ? Math.min(size / 2, network.batch) : 0);
    },
    async draw(count) {
      const made: Drawn[] = [];
      for (let left = count; left > 0; left -= network.batch) made.push(await update());
      return {
        images: join(
          made.map(({ images }) => images),
          shape,
        ),
        targets: made.flatMap(({ targets }) => targets),
        logits: join(
          made.map(({ logits }) => logits),
          [0, network.output.classes],
        ),
      };
    },
    async follow(student) {
      const weights = prefixed(STUDENT, toArrays(network, student.weights));
      if (followed) return step.writeState(weights);
      followed = true;
      const alone = step;
      step = await compile({ ...(await alone.readState()), ...weights });
      await alone.dispose();
    },
    dispose: () => step.dispose(),
  };
}

/** `count` of the images, at random. */
function pick(images: HostTensor, count: number, random: Random): HostTensor {
  return takeImages(images, random.permutation(images.shape[0]).slice(0, count));
}

/** Tensors of one shape but for the first axis, one after the other along it; of none, an empty one. */
function join(parts: readonly HostTensor[], [, ...item]: readonly number[]): HostTensor {
  const data = new Float32Array(parts.reduce((size, part) => size + part.data.length, 0));
  let end = 0;
  for (const part of parts) {
    data.set(part.data, end);
    end += part.data.length;
  }
  return { shape: [parts.reduce((count, part) => count + part.shape[0], 0), ...item], data };
}

/** Cuts `size` elements out of the middle of `canvas`. */
const middle = (size: number, canvas: number): HostTensor =>
  windowMatrix(size, canvas, Math.floor((canvas - size) / 2));
