import * as tf from '@tensorflow/tfjs-core';
import type { Arrays, Step } from '../../engine/engine.js';
import { zerosLike } from '../../engine/host-tensor.js';
import { labelled } from '../../engine/labels.js';
import type { Network } from '../../network/network.js';
import { adam, type AdamOptions } from '../../optimise/adam.js';
import { differentiate } from '../../optimise/gradients.js';
import { prefixed, select } from '../../prefix.js';
import type { Preprocessing } from '../../preprocess.js';
import { batchNormDistance, crossEntropy } from '../losses.js';
import { pairDistance } from './diversity.js';
import type { Generator } from './generator.js';
import { pairsOf } from './variation.js';

/** What each term of the generator's loss counts. */
export interface GeneratorWeights {
  readonly crossEntropy: number;
  readonly batchNorm: number;
  /** Distance of two images of a class from being as different as real ones. */
  readonly diversity: number;
  /** Reward for images on which the student, where it agrees with the teacher, differs from it. */
  readonly adversarial: number;
}

/** Of generators (arXiv 1511.06434). */
export const ADAM: AdamOptions = { beta1: 0.5, beta2: 0.999, epsilon: 1e-8 };

/** Before the names of the student's weights in the state. */
export const STUDENT = 'student:';

/** The state that an update begins with: the generator, and Adam's moments of 0. */
export function generatorState({ parameters }: Generator): Arrays {
  const blank = zerosLike(parameters);
  return {
    ...prefixed('generator:', parameters),
    ...prefixed('first:', blank),
    ...prefixed('second:', blank),
  };
}

/**
 * One update of the generator.
 * state: `generator:`, `first:`, `second:` (Adam's moments) before the generator's parameters; where there is a student,
 * `student:` before its weights and statistics, which stay as they are.
 * input: what `drawVariation` draws for the classes of `pairedTargets`; `learningRate` [] from `adamLearningRate`; `rows`
 * [height, canvas height] and `columns` [width, canvas width], which cut images out of the canvas (`windowMatrix`).
 * output: `images` [batch, channels, height, width], as the model takes them, drawn before the update, and the teacher's
 * `logits` of them; the unweighted terms of the loss, scalars.
 */
export function createGeneratorStep(
  network: Network,
  generator: Generator,
  preprocessing: Preprocessing,
  weights: GeneratorWeights,
): Step {
  return (state, input) => {
    const student = select(state, STUDENT);
    const scale = tf.tensor([...preprocessing.scale], [1, preprocessing.channels, 1, 1]);
    const offset = tf.tensor([...preprocessing.offset], [1, preprocessing.channels, 1, 1]);
    const hasStudent = Object.keys(student).length > 0;
    const { outputs, gradients } = differentiate(
      (parameters) => {
        const canvas = generator.draw(parameters, input);
        const images = tf.matMul(tf.matMul(input['rows'], canvas), input['columns'], false, true);
        const given = tf.add(tf.mul(images, scale), offset);
        const teacher = network.forward(tf, {}, given);
        const terms: Record<string, tf.Tensor> = {
          crossEntropy: crossEntropy(teacher.logits, input['targets']),
          batchNorm: batchNormDistance(network, teacher),
        };
        const parts = [
          tf.mul(terms['crossEntropy'], weights.crossEntropy),
          tf.mul(terms['batchNorm'], weights.batchNorm),
        ];
        const pairs = pairsOf(network.batch);
        if (pairs > 0 && weights.diversity > 0) {
          terms['diversity'] = pairDistance(network, teacher, pairs);
          parts.push(tf.mul(terms['diversity'], weights.diversity));
        }
        if (hasStudent) {
          const { logits } = network.forward(tf, student, given, { batchNorm: 'batch' });
          terms['divergence'] = divergence(teacher.logits, logits);
          parts.push(tf.mul(terms['divergence'], -weights.adversarial));
        }
        return { loss: tf.addN(parts), outputs: { ...terms, images: given, logits: teacher.logits } };
      },
      select(state, 'generator:'),
    );
    const next: Record<string, tf.Tensor> = {};
    for (const [name, gradient] of Object.entries(gradients)) {
      const old = { first: state[`first:${name}`], second: state[`second:${name}`] };
      const { move, first, second } = labelled(tf, `the update of the generator's '${name}'`, () =>
        adam(old, gradient, input['learningRate'], ADAM),
      );
      next[`generator:${name}`] = tf.sub(state[`generator:${name}`], move);
      next[`first:${name}`] = first;
      next[`second:${name}`] = second;
    }
    return { state: { ...next, ...prefixed(STUDENT, student) }, output: outputs };
  };
}

/** KL(teacher || student), only where both name the same class: elsewhere the student has enough to learn already. */
function divergence(teacher: tf.Tensor, student: tf.Tensor): tf.Tensor {
  const logTeacher = tf.logSoftmax(teacher);
  const logStudent = tf.logSoftmax(student);
  const each = tf.sum(tf.mul(tf.exp(logTeacher), tf.sub(logTeacher, logStudent)), 1);
  return tf.mean(tf.mul(each, agreement(teacher, student)));
}

/** 1 for rows whose largest element is at the same place, else 0; without a gradient. */
function agreement(a: tf.Tensor, b: tf.Tensor): tf.Tensor {
  const same = tf.customGrad((...args) => {
    const [x, y] = args as tf.Tensor[];
    const largest = (t: tf.Tensor) => tf.cast(tf.equal(t, tf.max(t, 1, true)), 'float32');
    const value = tf.max(tf.mul(largest(x), largest(y)), 1);
    return { value, gradFunc: () => [tf.zerosLike(x), tf.zerosLike(y)] };
  });
  return same(a, b);
}
