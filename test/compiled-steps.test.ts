import { beforeAll, describe, test } from 'vitest';
import type { Engine } from '../src/engine/engine.js';
import { createOnnxRuntimeEngine } from '../src/engine/onnxruntime/index.js';
import { createEagerEngine } from './support/eager-engine.js';
import { expectSameSteps, STEP_CASES } from './support/step-cases.js';

let eager: Engine;
beforeAll(async () => {
  eager = await createEagerEngine();
});

describe('compiled steps compute what eager ones do', () => {
  test.each(STEP_CASES)('$name', (example) => expectSameSteps(createOnnxRuntimeEngine(), eager, example));
});
