import type { DreamOptions } from './dream/dream.js';
import type { GeneratorOptions } from './dream/generator/live-source.js';
import type { DistilOptions } from './recover/distil.js';
import type { ReconstructOptions } from './recover/reconstruct.js';

/** How much work recovery does. */
export interface Preset {
  readonly dream: DreamOptions;
  /** The generator, where one is asked for in place of dreams. */
  readonly generator: GeneratorOptions;
  /** Of dreams, those kept from training to measure agreement with the teacher. */
  readonly heldOut: number;
  /** Batches over which batch-norm statistics are re-estimated, and matched, before distillation. */
  readonly statisticsBatches: number;
  readonly reconstruct: ReconstructOptions;
  /** Dreams are shifted by up to this many pixels whenever they are used. */
  readonly shift: number;
  readonly distil: DistilOptions & { readonly batch: number };
}

export type PresetName = 'fast' | 'standard' | 'thorough';

/** How the images are optimised is by the size of the teacher's input (dream/presets.ts). */
const DREAM = { batch: 64 };

const DISTIL = { batch: 128, warmUp: 0.1, checks: 10, temperature: 3, features: 5, momentum: 0.9 };

const RECONSTRUCT = { batches: 4, ridge: 0.1, positions: 32768, mostInputs: 4608, mostSolved: 384 };

const GENERATOR = {
  batch: 64,
  // The batch norms count most by far: images that are merely of their class teach little.
  weights: { crossEntropy: 1, batchNorm: 500, adversarial: 1 },
  learningRate: 6e-3,
  // The student can be no better than what it sees: 300 updates before it begins are worth 16 points at 90% over 100 (a
  // ResNet-8, both with 150 steps of distillation); 600 are worth no more.
  warmUp: 300,
  // In the same time, an update for every second batch and half as many batches more: 1.3 and 2.1 points better.
  reuse: 2,
  pool: 60,
  // The student kept is the best of ten by these: of 128, noise chose one that had not learnt to the end.
  measured: 512,
  shift: 2,
};

const COMMON = {
  generator: GENERATOR,
  heldOut: 128,
  statisticsBatches: 16,
  shift: 2,
  reconstruct: RECONSTRUCT,
};

export const PRESETS: Readonly<Record<PresetName, Preset>> = {
  fast: {
    ...COMMON,
    dream: { ...DREAM, count: 512, iterations: 120 },
    generator: { ...GENERATOR, warmUp: 200 },
    distil: { ...DISTIL, steps: 80, learningRate: 0.05 },
  },
  standard: {
    ...COMMON,
    dream: { ...DREAM, count: 1024, iterations: 150 },
    distil: { ...DISTIL, steps: 600, learningRate: 0.05 },
  },
  thorough: {
    ...COMMON,
    dream: { ...DREAM, count: 4096, iterations: 500 },
    generator: { ...GENERATOR, warmUp: 600 },
    distil: { ...DISTIL, steps: 2400, learningRate: 0.05 },
  },
};
