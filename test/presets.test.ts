import { expect, test } from 'vitest';
import { presetFor, PRESETS } from '../src/presets.js';

test('distillation and companions are as long for each halving of what is kept, and for one at least', () => {
  const preset = {
    ...PRESETS.fast,
    companions: { ...PRESETS.fast.companions, iterations: 10 },
    distil: { ...PRESETS.fast.distil, steps: 100 },
  };
  const lengths = [0, 0.25, 0.5, 0.75, 0.875, 0.9].map((sparsity) => {
    const { companions, distil } = presetFor(preset, [3, 32, 32], sparsity);
    return [companions.iterations, distil.steps];
  });
  const [least, quarter] = [
    [10, 100],
    [20, 200],
  ];
  expect(lengths).toEqual([least, least, least, quarter, [30, 300], [33, 332]]);
});
