import * as tf from '@tensorflow/tfjs-core';
import { toArrays } from '../classifier.js';
import type { ImageSource } from '../dream/image-source.js';
import type { Arrays, Engine, HostTensor, Step, Tensors } from '../engine/engine.js';
import type { Layer, Network } from '../network/network.js';
import { throwIfInterrupted, type RunControl } from '../progress.js';
import { atStep, requireFiniteOutput } from '../require-finite.js';
import { replaceWeights, type Student } from '../student.js';
import { matchedNorms } from './channel-statistics.js';
import { normalEquations } from './gram.js';
import { solveRows } from './solve-rows.js';

export interface ReconstructOptions {
  /** Of `network.batch` images each, for every layer. */
  readonly batches: number;
  /** Strength of the pull to the weights as they are, relative to the mean square of the layer's inputs. */
  readonly ridge: number;
  /** See GramOptions. */
  readonly positions: number;
  /** Layers whose outputs see more inputs than this are left as they are: their equations grow with its square. */
  readonly mostInputs: number;
  /** Kept weights of one output that are solved for; of more, the smallest stay as they are. */
  readonly mostSolved: number;
}

const ADVICE = "the student's weights or the images may be out of range";

/**
 * Layer by layer in the order of the graph, gives the kept weights of every output channel the values that bring its
 * output, on what the student's layers below yield, closest to the teacher's: least squares on the images of `source`,
 * with a ridge around the weights as they are (optimal brain compression's second half, arXiv 2208.11580, section 3).
 * Biases and batch norms stay; they are for `matchChannelStatistics` afterwards.
 * @throws DfkdError E_NONFINITE
 */
export async function reconstruct(
  engine: Engine,
  network: Network,
  student: Student,
  source: ImageSource,
  options: ReconstructOptions,
  control: RunControl = {},
): Promise<Student> {
  const { chosen, tooWide } = chooseLayers(network, options);
  if (tooWide.length > 0) {
    control.onNote?.(
      `Reconstruction leaves ${tooWide.length} layers as they are, whose outputs see more than ${options.mostInputs} inputs each: ${tooWide.join(', ')}.`,
    );
  }
  // The same images for every layer.
  const batches: HostTensor[] = [];
  for (let i = 0; i < options.batches; i++) batches.push(await source.next(network.batch));

  let current = student;
  for (const [i, layer] of chosen.entries()) {
    throwIfInterrupted(control);
    const equations = await accumulate(engine, network, current, layer, batches, options);
    const weights = solveRows(network, layer, current, equations, options);
    current = replaceWeights(current, new Map([[layer.weight, weights]]));
    control.onProgress?.({ stage: 'reconstruct', step: i + 1, steps: chosen.length });
  }
  return current;
}

/** Those that can be solved for: not what is shared between layers, and not what sees too many inputs. */
function chooseLayers(
  { layers, parameters }: Network,
  { mostInputs }: ReconstructOptions,
): { chosen: Layer[]; tooWide: string[] } {
  const own = layers.filter(
    ({ plain, weight }) => plain && layers.filter((other) => other.weight === weight).length === 1,
  );
  const isWide = ({ weight }: Layer) => inputsOf(parameters.get(weight)!.dims, own, weight) > mostInputs;
  return {
    chosen: own.filter((layer) => !isWide(layer)),
    tooWide: own.filter(isWide).map(({ weight }) => weight),
  };
}

function inputsOf(dims: readonly number[], layers: readonly Layer[], weight: string): number {
  const { outputAxis } = layers.find((layer) => layer.weight === weight)!;
  return dims.reduce((product, dim, axis) => (axis === outputAxis ? product : product * dim), 1);
}

async function accumulate(
  engine: Engine,
  network: Network,
  student: Student,
  layer: Layer,
  batches: readonly HostTensor[],
  options: ReconstructOptions,
): Promise<{ gram: Float32Array; cross: Float32Array }> {
  const step = await engine.compile(createGramStep(network, student, layer, options), {
    state: emptyEquations(network, layer),
    input: { images: batches[0] },
  });
  try {
    for (const [i, images] of batches.entries()) {
      const output = await step.run({ images });
      await requireFiniteOutput(step, output, atStep('reconstruction batch', i + 1, batches.length, ADVICE));
    }
    const { gram, cross } = await step.readState();
    return { gram: gram.data, cross: cross.data };
  } finally {
    await step.dispose();
  }
}

function emptyEquations({ parameters }: Network, { weight, outputAxis, group }: Layer): Arrays {
  const { dims } = parameters.get(weight)!;
  const outputs = dims[outputAxis] / group;
  const inputs = dims.reduce((product, dim) => product * dim, 1) / dims[outputAxis];
  const zeros = (shape: number[]) => ({
    shape,
    data: new Float32Array(shape.reduce((product, dim) => product * dim, 1)),
  });
  return { gram: zeros([group, inputs, inputs]), cross: zeros([group, inputs, outputs]) };
}

/**
 * Adds one batch to the normal equations of one layer. The student's batch norms yield the teacher's means and
 * deviations, as they will once they are matched.
 * state: `gram` and `cross`, see NormalEquations. input: `images` [batch, channels, height, width]. output: `square`, the
 * mean square of the inputs.
 */
export function createGramStep(
  network: Network,
  student: Student,
  layer: Layer,
  { positions }: Pick<ReconstructOptions, 'positions'>,
): Step {
  const centred = network.batchNorms.some(({ input }) => input === layer.output);
  return (state, { images }) => {
    const weights: Tensors = Object.fromEntries(
      Object.entries(toArrays(network, student.weights)).map(([name, { data, shape }]) => [
        name,
        tf.tensor(data, [...shape]),
      ]),
    );
    const teacher = network.forward(tf, {}, images);
    const given = { ...weights, ...matchedNorms(network, weights, teacher) };
    const { values } = network.forward(tf, given, images, { batchNorm: 'batch' });
    const { gram, cross } = normalEquations(
      layer,
      values.get(layer.input)!,
      withoutBias(network, layer, teacher.values.get(layer.output)!),
      { positions, centred },
    );
    return {
      state: { gram: tf.add(state['gram'], gram), cross: tf.add(state['cross'], cross) },
      output: { square: tf.mean(tf.square(cross)) },
    };
  };
}

function withoutBias({ parameters }: Network, { bias, window }: Layer, y: tf.Tensor): tf.Tensor {
  if (bias === undefined) return y;
  const { data, dims } = parameters.get(bias)!;
  const added = tf.tensor(data, [...dims]);
  return tf.sub(y, window ? tf.reshape(added, [-1, ...window.map(() => 1)]) : added);
}
