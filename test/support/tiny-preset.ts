import { PRESETS, type Preset } from '../../src/presets.js';

const { fast } = PRESETS;

/** All of the recipe, too little of it to bring accuracy back. */
export const TINY_PRESET: Preset = {
  ...fast,
  heldOut: 16,
  statisticsBatches: 3,
  reconstruct: { ...fast.reconstruct, batches: 1, positions: 1024 },
  dream: { ...fast.dream, batch: 32, count: 64, iterations: 4 },
  generator: { ...fast.generator, batch: 16, warmUp: 5, pool: 4, measured: 16 },
  stored: 4,
  companions: { ...fast.companions, batches: 1, iterations: 1 },
  distil: { ...fast.distil, batch: 32, steps: 2, checks: 2 },
};
