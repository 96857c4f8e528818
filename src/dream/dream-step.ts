import * as tf from '@tensorflow/tfjs-core';
import type { Step } from '../engine/engine.js';
import { labelled } from '../engine/labels.js';
import type { Network } from '../network/network.js';
import { adam, type AdamOptions } from '../optimise/adam.js';
import { differentiate } from '../optimise/gradients.js';
import type { Preprocessing } from '../preprocess.js';
import { batchNormDistance, crossEntropy, totalVariation } from './losses.js';

/** What each term of the loss counts. */
export interface DreamWeights {
  readonly crossEntropy: number;
  readonly batchNorm: number;
  readonly totalVariation: number;
  /** Mean square of the pixels. */
  readonly l2: number;
}

/** Moments of a published DeepInversion run: weights for 32-pixel teachers (arXiv 1912.08795, appendix). */
export const ADAM: AdamOptions = { beta1: 0.5, beta2: 0.9, epsilon: 1e-8 };

/**
 * One update of a batch of images in normalised pixel space.
 * state: `images`, `first`, `second` (Adam's moments) [batch, channels, height, width].
 * input: `targets` one-hot [batch, classes]; `learningRate` [] from `adamLearningRate`; `rows` [height, height] and
 * `columns` [width, width], permutations made by `shiftMatrix`.
 * output: the loss and its unweighted terms, scalars.
 */
export function createDreamStep(network: Network, preprocessing: Preprocessing, weights: DreamWeights): Step {
  return (state, input) => {
    const scale = tf.tensor([...preprocessing.scale], [1, preprocessing.channels, 1, 1]);
    const offset = tf.tensor([...preprocessing.offset], [1, preprocessing.channels, 1, 1]);

    const { outputs, gradients } = differentiate(
      ({ images }) => {
        const moved = tf.matMul(tf.matMul(input['rows'], images), input['columns'], false, true);
        const activations = network.forward(tf, {}, tf.add(tf.mul(moved, scale), offset));
        const terms = {
          crossEntropy: crossEntropy(activations.logits, input['targets']),
          batchNorm: batchNormDistance(network, activations),
          totalVariation: totalVariation(images),
          l2: tf.mean(tf.square(images)),
        };
        const loss = tf.addN([
          tf.mul(terms.crossEntropy, weights.crossEntropy),
          tf.mul(terms.batchNorm, weights.batchNorm),
          tf.mul(terms.totalVariation, weights.totalVariation),
          tf.mul(terms.l2, weights.l2),
        ]);
        return { loss, outputs: { loss, ...terms } };
      },
      { images: state['images'] },
    );

    const old = { value: state['images'], first: state['first'], second: state['second'] };
    const { value, first, second } = labelled(tf, 'the update of the images', () =>
      adam(old, gradients['images'], input['learningRate'], ADAM),
    );
    const { range } = preprocessing;
    const images = range === null ? value : tf.clipByValue(value, range.low, range.high);
    return { state: { images, first, second }, output: outputs };
  };
}
