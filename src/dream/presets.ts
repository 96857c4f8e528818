import type { DreamWeights } from './dream-step.js';

/** Everything about the optimisation of images that depends on the kind of teacher, not on how long it may take. */
export interface InversionPreset {
  /** Images at once, at most: what a step keeps in memory grows with them. */
  readonly batch: number;
  readonly weights: DreamWeights;
  /** Share of the iterations in which the rate rises. */
  readonly warmUp: number;
  /** Images move by up to this many of the teacher's pixels in each direction before each update, and are mirrored. */
  readonly jitter: number;
  readonly courses: Readonly<Record<StartName, Course>>;
}

/** What images are before the first update: noise, as in the paper, or procedural images. */
export type StartName = 'noise' | 'procedural';

/** How images move, by what they are at first. */
export interface Course {
  /** Highest rate of Adam, in normalised pixel space; rises from 0, then falls back along a cosine, at each resolution. */
  readonly learningRate: number;
  /** Of the rate, from each scale of the images to the next, half as large (`adamAtScales`). */
  readonly falloff: number;
  /** Before the teacher's own, which takes the iterations that are left; in order. */
  readonly resolutions: readonly Resolution[];
}

export interface Resolution {
  /** The teacher's height and width are divided by this and rounded up. */
  readonly divisor: number;
  /** Of the iterations. */
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
 * - learningRate 0.15 and 0.1 (0.05), in a fraction of the 2,000 iterations: Adam moves a pixel by about the rate in each.
 *   Regions around it move as far where procedural images have few updates, less in the many of noise, which they would blur
 *   (400 updates of a ResNet-20's: loss 0.77 with regions alike, 0.59 with a third from each scale to the next).
 * - no warm-up (none), jitter 2 (2), no weight of its own for the first batch norm (none).
 * - of noise a quarter of the iterations at a quarter of the size, then a quarter at half (none): in 0.6 of the time, to a loss
 *   as low or lower. Procedural images would lose their detail.
 */
export const SMALL_IMAGES: InversionPreset = {
  batch: 256,
  weights: { crossEntropy: 3, batchNorm: 100, totalVariation: 1, l2: 0.01, competition: 1 },
  warmUp: 0,
  jitter: 2,
  courses: {
    noise: {
      learningRate: 0.15,
      falloff: 1 / 3,
      resolutions: [
        { divisor: 4, share: 1 / 4 },
        { divisor: 2, share: 1 / 4 },
      ],
    },
    procedural: { learningRate: 0.1, falloff: 1, resolutions: [] },
  },
};

const LARGE_COURSE: Course = {
  learningRate: 0.1,
  falloff: 1,
  resolutions: [{ divisor: 2, share: 2 / 3 }],
};

/**
 * For inputs of ImageNet's size. In brackets the paper's numbers for 224 pixels (section 4.2 and its appendix).
 *
 * - The same weights as for small images, but for firstBatchNorm 10 (10): what the first layer sees is next to the pixels
 *   and steers their colours and textures; and totalVariation 10: neighbours differ less where there are more pixels.
 * - competition 0.2 (0.2): with 1,000 classes teacher and student differ easily.
 * - learningRate 0.1 (0.25), regions as far as pixels; rises over the first tenth of the iterations at each resolution (a warm-up
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
  warmUp: 0.1,
  jitter: 30,
  courses: { noise: LARGE_COURSE, procedural: LARGE_COURSE },
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
