import type { Arrays, Engine, HostTensor } from '../engine/engine.js';
import type { Network } from '../network/network.js';
import { adamLearningRate } from '../optimise/adam.js';
import { cosineLearningRate } from '../optimise/schedules.js';
import { fromPixelSpace, type Preprocessing } from '../preprocess.js';
import { throwIfInterrupted, type RunControl } from '../progress.js';
import type { Random } from '../random.js';
import { atStep, requireFiniteOutput, requireFiniteState } from '../require-finite.js';
import { ADAM, createDreamStep, type DreamWeights } from './dream-step.js';
import { shiftMatrix } from './jitter.js';
import { naturalNoise } from './noise.js';

export interface DreamOptions {
  /** Images wanted, rounded up to whole batches of the network's size; 0 prepares the step and makes none. */
  readonly count: number;
  /** Number of the first image, where these are a part of more; classes follow one another over all. Default 0. */
  readonly first?: number | undefined;
  /** Updates of each image. */
  readonly iterations: number;
  /** Of Adam, in normalised pixel space; falls to 0 along a cosine. */
  readonly learningRate: number;
  /** Images move by up to this many pixels in each direction before each update. */
  readonly jitter: number;
  readonly weights: DreamWeights;
}

export interface Dreams {
  /** [count, channels, height, width] as the model takes them. */
  readonly images: HostTensor;
  /** The class each image was made for. */
  readonly targets: readonly number[];
}

const ADVICE = "the teacher's weights or its preprocessing may be wrong";

/** Synthesises images from the teacher alone, batch after batch, by DeepInversion (arXiv 1912.08795). */
export async function dream(
  engine: Engine,
  network: Network,
  preprocessing: Preprocessing,
  options: DreamOptions,
  random: Random,
  control: RunControl = {},
): Promise<Dreams> {
  const { batch } = network;
  const batches = Math.ceil(options.count / batch);
  const steps = batches * options.iterations;
  const plane = network.input.shape.slice(1).reduce((product, size) => product * size, 1);
  const images = new Float32Array(batches * batch * plane);
  // Balanced within each batch too, whose statistics are to be those of the training set.
  const balanced = (count: number, start = 0) =>
    Array.from({ length: count }, (_, i) => ((options.first ?? 0) + start + i) % network.output.classes);

  const step = await engine.compile(createDreamStep(network, preprocessing, options.weights), {
    state: startState(network, preprocessing, random),
    input: stepInput(network, balanced(batch), options, 0, random.split('example')),
  });
  try {
    for (let b = 0; b < batches; b++) {
      const stream = random.split(String(b));
      await step.writeState(startState(network, preprocessing, stream));
      for (let i = 0; i < options.iterations; i++) {
        throwIfInterrupted(control);
        const output = await step.run(stepInput(network, balanced(batch, b * batch), options, i, stream));
        const event = {
          stage: 'dream',
          step: b * options.iterations + i + 1,
          steps,
          terms: Object.fromEntries(Object.entries(output).map(([term, { data }]) => [term, data[0]])),
        };
        await requireFiniteOutput(step, output, atStep('dream step', event.step, steps, ADVICE));
        control.onProgress?.(event);
      }
      const state = await step.readState();
      requireFiniteState(state, atStep('dream step', (b + 1) * options.iterations, steps, ADVICE));
      images.set(state['images'].data, b * batch * plane);
    }
  } finally {
    await step.dispose();
  }
  const shape = [batches * batch, ...network.input.shape.slice(1)];
  return {
    images: fromPixelSpace({ shape, data: images }, preprocessing),
    targets: balanced(batches * batch),
  };
}

/** Moments of 0 and noise to begin with. */
function startState({ input: { shape } }: Network, { range }: Preprocessing, random: Random): Arrays {
  const noise = naturalNoise(shape, random);
  const size = noise.length;
  const data = range ? noise.map((x) => Math.min(Math.max(x, range.low), range.high)) : noise;
  return {
    images: { shape, data },
    first: { shape, data: new Float32Array(size) },
    second: { shape, data: new Float32Array(size) },
  };
}

function stepInput(
  { input: { shape }, output: { classes } }: Network,
  targets: readonly number[],
  { learningRate, iterations, jitter }: DreamOptions,
  iteration: number,
  random: Random,
): Arrays {
  const oneHot = new Float32Array(targets.length * classes);
  targets.forEach((target, i) => (oneHot[i * classes + target] = 1));
  const rate = cosineLearningRate({ learningRate, steps: iterations }, iteration);
  const shift = () => random.integer(2 * jitter + 1) - jitter;
  return {
    targets: { shape: [targets.length, classes], data: oneHot },
    learningRate: { shape: [], data: Float32Array.of(adamLearningRate(rate, iteration + 1, ADAM)) },
    rows: shiftMatrix(shape[2], shift()),
    columns: shiftMatrix(shape[3], shift(), random.integer(2) === 1),
  };
}
