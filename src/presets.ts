import type { DreamOptions } from './dream/dream.js';
import { isLarge, type StartName } from './dream/presets.js';
import type { GeneratorOptions } from './dream/generator/live-source.js';
import type { DistilOptions } from './recover/distil.js';
import type { ReconstructOptions } from './recover/reconstruct.js';

/** How much work recovery does. */
export interface Preset {
  readonly dream: DreamOptions;
  /** The generator, where one is asked for in place of dreams. */
  readonly generator: GeneratorOptions;
  /** Updates of a generator before it draws images for good. */
  readonly stored: number;
  /** Besides what a generator draws: images made before, and their share of every batch. */
  readonly companions: CompanionOptions;
  /** Of every batch beside a generator, procedural images as they are drawn, most of them seen before and moved. */
  readonly procedural: number;
  /** Of dreams, those kept from training to measure agreement with the teacher. */
  readonly heldOut: number;
  /** Batches over which batch-norm statistics are re-estimated, and matched, before distillation. */
  readonly statisticsBatches: number;
  readonly reconstruct: ReconstructOptions;
  /** Dreams are shifted by up to this many pixels whenever they are used. */
  readonly shift: number;
  /** `steps` are for one halving of the weights that are kept (`presetFor`). */
  readonly distil: DistilOptions & { readonly batch: number };
}

/** Images brought nearer to the teacher's statistics, and to a class, by a few updates of DeepInversion. */
export interface CompanionOptions {
  /** Of as many images as the generator draws at once; for one halving of the weights that are kept (`presetFor`). */
  readonly batches: number;
  /** Updates of each. */
  readonly iterations: number;
  /** What they are before. */
  readonly start: StartName;
  /** Of what is not procedural. */
  readonly share: number;
}

export type PresetName = 'fast' | 'standard' | 'thorough';

/** How the images are optimised is by the size of the teacher's input (dream/presets.ts). */
const DREAM = { batch: 64 };

// Twice the steps of half the batch, in less time: 1.7 and 4.2 points better (a ResNet-8 and a MobileNetV2 at 90%); half of
// that again: no more.
// Features at 60 in place of 5, 400 steps, two seeds: a ResNet-20 at 90 and 95% agreed with its teacher on 86.8 and 77.9 of 100
// real images in place of 81.9 and 68.6, a ResNet-8 and a MobileNetV2 at 90% on 81.6 and 76.6 in place of 78.5 and 73.7.
// What moves by a share of its norm (0.4 of the rate, LARS), and not by its gradient, needs a fifth fewer steps: a ResNet-20
// at 95% ended 3.9 from its teacher after 432 of them in place of 4.2, and 3.7 after 648 in place of 3.8 (divergence on 2,000
// real images, two orders of the images learnt from).
const DISTIL = {
  batch: 64,
  warmUp: 0.1,
  checks: 10,
  temperature: 3,
  features: 60,
  momentum: 0.8,
  trust: 0.4,
};

const RECONSTRUCT = { batches: 8, ridge: 0.1, positions: 16384, mostInputs: 4608, mostSolved: 384 };

const GENERATOR = {
  batch: 64,
  // Half as many: updates in 0.6 of the time on a ResNet-20, 3.6 and 4 points worse after as many (a ResNet-8 and a
  // MobileNetV2 at 90%), but 4 and 6 better in the same time, where that is short.
  width: 32,
  // The batch norms count most by far: images that are merely of their class teach little.
  weights: { crossEntropy: 1, batchNorm: 500, diversity: 200, adversarial: 1 },
  learningRate: 6e-3,
  // 100 and 300 before a student that learnt for 432 steps: a ResNet-20 at 95% agreed on 80.0 and 79.4 of 100 real images.
  // More steps need more: of 1,120, after 150, 78.4% right, where 864 after 300 gave 79.9.
  warmUp: 110,
  pool: 60,
  // The student kept is the best of up to ten by these, as many procedural images and some companions: of 128 in all, noise
  // chose one that had not learnt to the end.
  measured: 192,
  shift: 2,
};

// A student learns from images, too, that the teacher is not sure of; those that are kept for others are to be of their class.
// With 300 updates a ResNet-20 saw it in 99.5 of 100, with 150 in 96.4.
const STORED = 300;

// Without them a ResNet-20 at 95% agreed on 72.0 of 100 real images in place of 77.9 (400 steps, two seeds). 512 of 52 updates in
// a third of what is not procedural, 1,024 of 22 in two thirds: divergence of 3.84 (one seed) and 3.78 (two; 432 steps). 1,088 of
// 16, 20, 28, 40 updates, in as much time with 519, 497, 432, 367 steps: 4.17 (one), 3.95, 3.63 (two), 3.87 (one).
const COMPANIONS = { batches: 4, iterations: 28, start: 'procedural', share: 2 / 3 } as const;

// Of no class, and not improved. None and three quarters: 75.3 and 75.9 in place of 76.6 (the same, one seed).
const PROCEDURAL = 1 / 4;

const COMMON = {
  generator: GENERATOR,
  stored: STORED,
  companions: COMPANIONS,
  procedural: PROCEDURAL,
  heldOut: 128,
  statisticsBatches: 32,
  shift: 2,
  reconstruct: RECONSTRUCT,
};

export const PRESETS: Readonly<Record<PresetName, Preset>> = {
  fast: {
    ...COMMON,
    dream: { ...DREAM, count: 512, iterations: 120 },
    generator: { ...GENERATOR, width: 16, warmUp: 100 },
    stored: 200,
    companions: { ...COMPANIONS, batches: 2 },
    statisticsBatches: 16,
    reconstruct: { ...RECONSTRUCT, batches: 4 },
    distil: { ...DISTIL, steps: 60, learningRate: 0.05 },
  },
  standard: {
    ...COMMON,
    dream: { ...DREAM, count: 1024, iterations: 150 },
    distil: { ...DISTIL, steps: 100, learningRate: 0.05 },
  },
  thorough: {
    ...COMMON,
    dream: { ...DREAM, count: 4096, iterations: 500 },
    generator: { ...GENERATOR, warmUp: 400 },
    stored: 600,
    companions: { ...COMPANIONS, batches: 12, iterations: 40 },
    distil: { ...DISTIL, steps: 600, learningRate: 0.05 },
  },
};

/** Of ImageNet's size: what a step keeps in memory grows with the pixels. */
const FEW = 16;
/** So few images at once are made more often. */
const MORE = 2;

/**
 * The preset for a cut and for images of this shape, [channels, height, width] or with the channels last. The more is cut
 * the more there is to mend: steps, and companions, grow with the halvings of the weights that are kept, one at
 * least. At 80% a ResNet-20 is at its ceiling after 279 steps; at 95% it agreed with its teacher on 80.3 of 100 real images
 * after 432, on 81.5 after 623 (two seeds). Of large images a step takes few, at a rate lower by the root of as much.
 */
export function presetFor(preset: Preset, item: readonly number[], sparsity = 0): Preset {
  const halvings = Math.max(1, -Math.log2(1 - sparsity));
  const { companions, distil } = preset;
  const grown = {
    companions: { ...companions, batches: Math.round(halvings * companions.batches) },
    distil: { ...distil, steps: Math.round(halvings * distil.steps) },
  };
  return forImages({ ...preset, ...grown }, item);
}

function forImages(preset: Preset, item: readonly number[]): Preset {
  if (!isLarge(item)) return preset;
  const { dream, generator, companions, distil } = preset;
  const batch = Math.min(FEW, distil.batch);
  const learningRate = distil.learningRate * Math.sqrt(batch / distil.batch);
  return {
    ...preset,
    dream: { ...dream, batch: Math.min(FEW, dream.batch) },
    // Of full width, drawing an image costs as much as a ResNet-50 does that looks at it.
    generator: {
      ...generator,
      batch: Math.min(FEW, generator.batch),
      width: generator.width / 2,
      warmUp: MORE * generator.warmUp,
    },
    companions: { ...companions, batches: MORE * companions.batches },
    distil: { ...distil, batch, learningRate },
  };
}
