import * as tf from '@tensorflow/tfjs-core';
import { perChannel, toChannelsFirst, toChannelsLast } from '../../../converters/layout.js';
import type { Arrays, Tensors } from '../../engine/engine.js';
import type { Preprocessing } from '../../preprocess.js';
import type { Random } from '../../random.js';
import { LATENT } from './variation.js';

const MOST_CHANNELS = 256;
/** The canvas grows from about this many pixels. */
const SEED = 7;
/** Of the image's side: how much wider the canvas is, whose edges look unlike the rest. */
const MARGIN = 1 / 8;
const EPSILON = 1e-5;

/** A small network that draws images of given classes. */
export interface Generator {
  /** To begin with. */
  readonly parameters: Arrays;
  /** Height and width of what is drawn. */
  readonly canvas: readonly [number, number];
  /** Of what `drawVariation` draws: [batch, channels, ...canvas] in pixel space. */
  draw(parameters: Tensors, variation: Tensors): tf.Tensor;
}

interface Level {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
}

/**
 * A generator after arXiv 1511.06434: a linear layer makes a small image of many channels, whose sides are doubled and
 * convolved again and again, batch norm (with the batch's own statistics, always) and ReLU in between. They are doubled
 * by interpolation: transposed convolutions drew noise (a ResNet-8 at 80%: 32% in place of 63%). Channels are halved
 * before that, by a convolution of single pixels: an update takes 0.72 of the time, and teaches no less.
 * @param width channels at the output's resolution; twice as many at half of it, and so on, up to MOST_CHANNELS
 */
export function createGenerator(
  shape: readonly number[],
  classes: number,
  preprocessing: Preprocessing,
  width: number,
  random: Random,
): Generator {
  const [, colours, ...sides] = shape;
  const levels = levelsOf(sides, width);
  const [first] = levels;
  const parameters: Record<string, Arrays[string]> = {};
  const add = (name: string, dims: readonly number[], fanIn: number) => {
    const size = dims.reduce((product, dim) => product * dim, 1);
    const deviation = Math.sqrt(2 / fanIn);
    const data = random
      .split(name)
      .gaussian(size)
      .map((x) => x * deviation);
    parameters[name] = { shape: dims, data };
  };
  const addNorm = (name: string, channels: number) => {
    parameters[`${name}.scale`] = { shape: [channels], data: new Float32Array(channels).fill(1) };
    parameters[`${name}.offset`] = { shape: [channels], data: new Float32Array(channels) };
  };
  add('linear', [LATENT, first.channels * first.height * first.width], LATENT);
  add('classes', [classes, first.channels * first.height * first.width], 2);
  addNorm('norm.0', first.channels);
  levels.slice(1).forEach(({ channels }, i) => {
    add(`mix.${i}`, [1, 1, levels[i].channels, channels], levels[i].channels);
    add(`grow.${i}`, [3, 3, channels, channels], 9 * channels);
    addNorm(`norm.${i + 1}`, channels);
  });
  const last = levels[levels.length - 1];
  add('colours', [3, 3, last.channels, colours], 9 * last.channels);

  return {
    parameters,
    canvas: [last.height, last.width],
    draw(given, { latent, targets, contrast, light }) {
      const seed = tf.add(tf.matMul(latent, given['linear']), tf.matMul(targets, given['classes']));
      let x: tf.Tensor = tf.reshape(seed, [-1, first.channels, first.height, first.width]);
      levels.forEach((_, i) => {
        if (i > 0) x = convolve(enlarge(convolve(x, given[`mix.${i - 1}`])), given[`grow.${i - 1}`]);
        x = tf.relu(normalize(x, given[`norm.${i}.scale`], given[`norm.${i}.offset`]));
      });
      const drawn = convolve(x, given['colours']);
      return toRange(tf.add(tf.mul(drawn, contrast), light), preprocessing);
    },
  };
}

function levelsOf(sides: readonly number[], channels: number): Level[] {
  const doublings = Math.max(0, Math.floor(Math.log2(Math.min(...sides) / SEED)));
  const seed = (size: number) => Math.ceil((size * (1 + MARGIN)) / 2 ** doublings);
  const [height, width] = sides.map(seed);
  return Array.from({ length: doublings + 1 }, (_, i) => ({
    channels: Math.min(MOST_CHANNELS, channels * 2 ** (doublings - i)),
    height: height * 2 ** i,
    width: width * 2 ** i,
  }));
}

/** Filter HWIO, zeros around the image. */
function convolve(x: tf.Tensor, filter: tf.Tensor): tf.Tensor {
  return toChannelsFirst(tf, tf.conv2d(toChannelsLast(tf, x), filter as tf.Tensor4D, 1, 'same'));
}

/** Twice the height and width, by bilinear interpolation. */
function enlarge(x: tf.Tensor): tf.Tensor {
  const [, , height, width] = x.shape;
  return tf.matMul(tf.matMul(doubling(height), x), doubling(width), false, true);
}

/** [2 size, size]: pixels are areas, whose centres a doubled image has at a quarter and three quarters. */
function doubling(size: number): tf.Tensor2D {
  const matrix = new Float32Array(2 * size * size);
  for (let row = 0; row < 2 * size; row++) {
    const near = row >> 1;
    const far = Math.min(Math.max(near + (row % 2 === 0 ? -1 : 1), 0), size - 1);
    matrix[row * size + near] += 0.75;
    matrix[row * size + far] += 0.25;
  }
  return tf.tensor2d(matrix, [2 * size, size]);
}

function normalize(x: tf.Tensor, scale: tf.Tensor, offset: tf.Tensor): tf.Tensor {
  const axes = [0, 2, 3];
  const mean = tf.mean(x, axes, true);
  const centred = tf.sub(x, mean);
  const variance = tf.mean(tf.square(centred), axes, true);
  const factor = tf.mul(tf.rsqrt(tf.add(variance, EPSILON)), perChannel(tf, scale, 4));
  return tf.add(tf.mul(centred, factor), perChannel(tf, offset, 4));
}

/** Into the valid range, or where it is unknown, to about three deviations. */
function toRange(x: tf.Tensor, { range }: Preprocessing): tf.Tensor {
  const { low, high } = range ?? { low: -3, high: 3 };
  return tf.add(tf.mul(tf.sigmoid(x), high - low), low);
}
