import type { DreamWeights } from './dream-step.js';

/** Everything about the optimisation of images that depends on the kind of teacher, not on how long it may take. */
export interface InversionPreset {
  /** Images at once, at most: what a step keeps in memory grows with them. */
  readonly batch: number;
  readonly weights: DreamWeights;
  /** Highest rate of Adam, in normalised pixel space; rises from 0, then falls back along a cosine, at each resolution. */
  readonly learningRate: number;
  /** Share of the iterations in which it rises. */
  readonly warmUp: number;
  /** Images move by up to this many of the teacher's pixels in each direction before each update, and are mirrored. */
  readonly jitter: number;
  /** In order; the last is the teacher's own (divisor 1). */
  readonly resolutions: readonly Resolution[];
}

export interface Resolution {
  /** The teacher's height and width are divided by this and rounded up. */
  readonly divisor: number;
  /** Of the iterations; the last resolution takes what is left. */
  readonly share: number;
}

/**
 * For inputs of about 32 pixels. In brackets the paper's numbers for CIFAR-10 (arXiv 1912.08795, section 4.1).
 *
 * - crossEntropy 3 (1) and batchNorm 100 (10): the paper's batch-norm term is a sum in the layers' units, ours a mean
 *   divergence, which is smaller.
 * - totalVariation 1 (2.5e-5) and l2 0.01 (3e-8): ours are means over the pixels, the paper's norms of whole batches. A
 *   ResNet-20's images then vary as photographs do (0.35 to 0.45); at 10 they were blurred (0.12).
 * - competition 1 (10), of the adaptive form: from 3 on, single images leave their class for the sake of dissent.
 * - learningRate 0.1 (0.05), in a fraction of the 2,000 iterations: Adam moves a pixel by about the rate in each, and the
 *   regions around it likewise.
 * - no warm-up (none), jitter 2 (2), one resolution (one), no weight of its own for the first batch norm (none).
 */
export const SMALL_IMAGES: InversionPreset = {
  batch: 256,
  weights: { crossEntropy: 3, batchNorm: 100, totalVariation: 1, l2: 0.01, competition: 1 },
  learningRate: 0.1,
  warmUp: 0,
  jitter: 2,
  resolutions: [{ divisor: 1, share: 1 }],
};

/**
 * For inputs of ImageNet's size. In brackets the paper's numbers for 224 pixels (section 4.2 and its appendix).
 *
 * - The same weights as for small images, but for firstBatchNorm 10 (10): what the first layer sees is next to the pixels
 *   and steers their colours and textures; and totalVariation 10: neighbours differ less where there are more pixels.
 * - competition 0.2 (0.2): with 1,000 classes teacher and student differ easily.
 * - learningRate 0.1 (0.25), as for small images; rises over the first tenth of the iterations at each resolution (a warm-up
 *   and a cosine).
 * - jitter 30 (30) pixels, half of it at half the size.
 * - two thirds of the iterations at half the size (2,000 of 3,000 at 112 pixels), then the rest at the full one.
 * - batch 16 (152 on each GPU): what a ResNet-50 keeps of 16 such images fits the memory of a small machine.
 */
export const LARGE_IMAGES: InversionPreset = {
  batch: 16,
  weights: {
    crossEntropy: 3,
    batchNorm: 100,
    firstBatchNorm: 10,
    totalVariation: 10,
    l2: 0.01,
    competition: 0.2,
  },
  learningRate: 0.1,
  warmUp: 0.1,
  jitter: 30,
  resolutions: [
    { divisor: 2, share: 2 / 3 },
    { divisor: 1, share: 1 / 3 },
  ],
};

/** From this shorter side on, in pixels, two resolutions and long jitter make sense, and few images at once. */
const LARGE = 96;

/** Of images [channels, height, width], or with the channels last. */
export function isLarge(item: readonly number[]): boolean {
  const [, shorter] = [...item].sort((a, b) => b - a);
  return shorter >= LARGE;
}

/** The family of a teacher whose input is [batch, channels, height, width]. */
export function inversionPreset([, ...item]: readonly number[]): InversionPreset {
  return isLarge(item) ? LARGE_IMAGES : SMALL_IMAGES;
}
