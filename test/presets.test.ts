import { expect, test } from 'vitest';
import { presetFor, PRESETS } from '../src/presets.js';

test('images and their updates grow with the halvings of what is kept, one at least, and steps with their square', () => {
  const preset = {
    ...PRESETS.fast,
    generator: { ...PRESETS.fast.generator, warmUp: 50 },
    companions: { ...PRESETS.fast.companions, batches: 1.5, iterations: 10 },
    distil: { ...PRESETS.fast.distil, steps: 100 },
  };
  const lengths = [0, 0.25, 0.5, 0.75, 0.875, 0.9].map((sparsity) => {
    const { generator, companions, distil } = presetFor(preset, [3, 32, 32], sparsity);
    return [generator.warmUp, companions.batches, companions.iterations, distil.steps];
  });
  const least = [50, 2, 10, 100];
  expect(lengths).toEqual([least, least, least, [100, 3, 20, 400], [150, 5, 30, 900], [166, 5, 33, 1104]]);
});
