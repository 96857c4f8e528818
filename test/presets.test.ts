import { expect, test } from 'vitest';
import { presetFor, PRESETS } from '../src/presets.js';

test('steps and companions grow with the halvings of what is kept, one at least', () => {
  const preset = {
    ...PRESETS.fast,
    companions: { ...PRESETS.fast.companions, batches: 10 },
    distil: { ...PRESETS.fast.distil, steps: 100 },
  };
  const lengths = [0, 0.25, 0.5, 0.75, 0.875, 0.9].map((sparsity) => {
    const { companions, distil } = presetFor(preset, [3, 32, 32], sparsity);
    return [companions.batches, distil.steps];
  });
  const least = [10, 100];
  expect(lengths).toEqual([least, least, least, [20, 200], [30, 300], [33, 332]]);
});

test('of large images fewer are taken at a time, and made more often', () => {
  const [small, large] = [32, 224].map((side) => presetFor(PRESETS.standard, [3, side, side], 0.5));
  expect(large.distil.batch).toBe(small.distil.batch / 4);
  expect(large.distil.learningRate).toBe(small.distil.learningRate / 2);
  expect(large.generator.batch).toBe(small.generator.batch / 4);
  expect(large.generator.warmUp).toBe(2 * small.generator.warmUp);
  expect(large.companions.batches).toBe(2 * small.companions.batches);
});
