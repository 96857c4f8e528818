import { expect, test } from 'vitest';
import { distilSteps, PRESETS } from '../src/presets.js';

test('distillation has as many steps for each halving of what is kept, and for one at least', () => {
  const distil = { ...PRESETS.fast.distil, stepsPerHalving: 100 };
  const steps = [0, 0.25, 0.5, 0.75, 0.875, 0.9375].map((sparsity) => distilSteps(distil, sparsity));
  expect(steps).toEqual([100, 100, 100, 200, 300, 400]);
});
