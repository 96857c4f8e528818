import * as tf from '@tensorflow/tfjs-core';
import type { Step, Tensors } from '../engine/engine.js';
import { labelled } from '../engine/labels.js';
import type { Network } from '../network/network.js';
import type { AdamOptions } from '../optimise/adam.js';
import { differentiate } from '../optimise/gradients.js';
import { select } from '../prefix.js';
import type { Preprocessing } from '../preprocess.js';
import { jensenShannon, predictionEntropy } from './divergence.js';
import { batchNormDistance, crossEntropy, totalVariation } from './losses.js';
import { adamAtScales } from './scales.js';

/** What each term of the loss counts. */
export interface DreamWeights {
  /** Of the targets; where there are none, of the entropy of the predictions. */
  readonly crossEntropy: number;
  readonly batchNorm: number;
  /** What the first batch norm counts within that term, relative to each of the others; default 1. */
  readonly firstBatchNorm?: number;
  readonly totalVariation: number;
  /** Mean square of the pixels. */
  readonly l2: number;
  /** Against the student, where there is one: of 1 - JS(teacher, student); default 0. */
  readonly competition?: number;
}

export interface DreamMode {
  /** `classes` (default): every image is made for one. `entropy`: the teacher is to be sure of some class. */
  readonly targets?: 'classes' | 'entropy';
  /** Whether a student competes, whose weights the state holds as `student:` and the parameter's name; default false. */
  readonly adaptive?: boolean;
}

/**
 * In brackets the paper's (arXiv 1912.08795, appendix; for 32 pixels): beta1 0.3 (0.5), beta2 0.2 (0.9). An image's gradient
 * falls by orders of magnitude in its first updates; whoever remembers it then moves too little. On single pixels a
 * ResNet-20's companions came to a loss of 4.4 in 30 updates (69), at all scales to 2.9.
 */
export const ADAM: AdamOptions = { beta1: 0.3, beta2: 0.2, epsilon: 1e-8 };

/** Before the names of the student's weights in the state. */
export const STUDENT = 'student:';

/** Of the softened predictions that compete. */
const TEMPERATURE = 3;

/**
 * One update of a batch of images in normalised pixel space.
 * state: `images` [batch, channels, height, width] and their `startMoments`; a student, which stays as it is.
 * input: `targets` one-hot [batch, classes]; `learningRate` [] from `adamLearningRate`; `rows` [height, height] and
 * `columns` [width, width], made by `shiftMatrix`.
 * output: the loss and its unweighted terms, scalars, and `logits` [batch, classes], of the images before the update.
 * @param falloff of the rate, from each scale of the images to the next (`adamAtScales`)
 */
export function createDreamStep(
  network: Network,
  preprocessing: Preprocessing,
  weights: DreamWeights,
  mode: DreamMode = {},
  falloff = 1,
): Step {
  return (state, input) => {
    const start = state['images'];
    const { outputs, gradients } = differentiate(
      ({ images }) => {
        const moved = tf.matMul(tf.matMul(input['rows'], images), input['columns'], false, true);
        const seen = toModelInput(moved, preprocessing);
        const { logits, terms } = classify(network, seen, input['targets'], weights, mode);
        if (mode.adaptive) terms.push(compete(network, seen, logits, state, weights));
        terms.push(
          { name: 'totalVariation', weight: weights.totalVariation, value: totalVariation(images) },
          { name: 'l2', weight: weights.l2, value: tf.mean(tf.square(images)) },
        );
        const loss = tf.addN(terms.map(({ value, weight }) => tf.mul(value, weight)));
        const values = Object.fromEntries(terms.map(({ name, value }) => [name, value]));
        return { loss, outputs: { loss, ...values, logits } };
      },
      { images: start },
    );

    const { move, moments } = labelled(tf, 'the update of the images', () =>
      adamAtScales(state, gradients['images'], input['learningRate'], { ...ADAM, falloff }),
    );
    const moved = tf.sub(start, move);
    const { range } = preprocessing;
    const images = range === null ? moved : tf.clipByValue(moved, range.low, range.high);
    return { state: { ...state, ...moments, images }, output: outputs };
  };
}

interface Term {
  readonly name: string;
  readonly weight: number;
  readonly value: tf.Tensor;
}

function toModelInput(images: tf.Tensor, { scale, offset, channels }: Preprocessing): tf.Tensor {
  const perChannel = (values: readonly number[]) => tf.tensor([...values], [1, channels, 1, 1]);
  return tf.add(tf.mul(images, perChannel(scale)), perChannel(offset));
}

/** What the teacher makes of the images: the classes it sees, and how far its batch norms are from home. */
function classify(
  network: Network,
  images: tf.Tensor,
  targets: tf.Tensor,
  weights: DreamWeights,
  mode: DreamMode,
): { logits: tf.Tensor; terms: Term[] } {
  const activations = network.forward(tf, {}, images);
  const { logits } = activations;
  const [name, value] =
    mode.targets === 'entropy'
      ? ['entropy', predictionEntropy(logits)]
      : ['crossEntropy', crossEntropy(logits, targets)];
  const distance = batchNormDistance(network, activations, weights.firstBatchNorm);
  return {
    logits,
    terms: [
      { name, weight: weights.crossEntropy, value },
      { name: 'batchNorm', weight: weights.batchNorm, value: distance },
    ],
  };
}

/** Adaptive DeepInversion (arXiv 1912.08795, eq. 7): images on which the student does not follow its teacher yet. */
function compete(
  network: Network,
  images: tf.Tensor,
  logits: tf.Tensor,
  state: Tensors,
  { competition = 0 }: DreamWeights,
): Term {
  const rival = network.forward(tf, select(state, STUDENT), images).logits;
  const value = tf.sub(1, jensenShannon(logits, rival, TEMPERATURE));
  return { name: 'competition', weight: competition, value };
}
