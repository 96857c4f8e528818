/** The engine of TensorFlow against that of onnxruntime: the same step must give the same numbers on both. */
import * as tf from '@tensorflow/tfjs-core';
import { createRequire } from 'node:module';
import util from 'node:util';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Engine } from '../src/engine/engine.js';
import { createOnnxRuntimeEngine } from '../src/engine/onnxruntime/index.js';
import { createTensorFlowEngine } from '../src/engine/tensorflow/index.js';
import { withWeights } from './support/check-operator.js';
import { describeCase, type Case } from './support/operator-cases.js';
import { GRID, WITHOUT_GRADIENT } from './support/operator-grid.js';
import {
  forwardStep,
  gradientStep,
  hasFloats,
  hostInputs,
  operatorOf,
  runOnEngine,
} from './support/operator-step.js';
import { expectSameSteps, STEP_CASES, type StepCase } from './support/step-cases.js';

const installed = ['@tensorflow/tfjs-node', '@tensorflow/tfjs-node-gpu'].some((name) => {
  try {
    createRequire(import.meta.url).resolve(`${name}/package.json`);
    return true;
  } catch {
    return false;
  }
});

/** The operator's outputs and, where it has them, the gradients of their weighted sum. */
async function operatorCase(item: Case, engine: Engine): Promise<StepCase> {
  const operator = operatorOf(item)!;
  const differentiable = hasFloats(item) && !WITHOUT_GRADIENT.has(item.opType);
  const input = hostInputs(operator.inputs);
  return {
    name: describeCase(item),
    step: differentiable ? gradientStep(operator) : forwardStep(operator),
    state: {},
    inputs: [differentiable ? withWeights(input, await runOnEngine(engine, operator)) : input],
  };
}

test.skipIf(installed)('without its package, one sentence says what to install', () => {
  expect(() => createTensorFlowEngine()).toThrow(
    expect.objectContaining({
      code: 'E_ARG',
      exitStatus: 2,
      message: expect.stringMatching(
        /^The engine tensorflow needs @tensorflow\/tfjs-node, which is not installed;/,
      ),
    }),
  );
});

describe.skipIf(!installed)('TensorFlow (needs @tensorflow/tfjs-node and its addon, see the README)', () => {
  let engine: Engine;
  const onnxruntime = createOnnxRuntimeEngine({ threads: 1 });
  beforeAll(() => {
    // As in Node 23 and later, which tfjs-node does not know.
    Reflect.deleteProperty(util, 'isArray');
    Reflect.deleteProperty(util, 'isNullOrUndefined');
    engine = createTensorFlowEngine();
  });

  test.each(STEP_CASES)('$name', (example) => expectSameSteps(engine, onnxruntime, example));

  describe('operators and their gradients', () => {
    const cases = GRID.filter((item) => operatorOf(item) !== undefined);
    test.each(cases.map((item, i) => ({ title: `${i} ${describeCase(item)}`, item })))(
      '$title',
      async ({ item }) => expectSameSteps(engine, onnxruntime, await operatorCase(item, onnxruntime)),
    );
  });

  test.each(STEP_CASES)('$name leaves no tensor behind', async ({ step, state, inputs }) => {
    const before = tf.memory().numTensors;
    const running = await engine.compile(step, { state, input: inputs[0] });
    await running.run(inputs[0]);
    const during = tf.memory().numTensors;
    expect(during).toBe(before + Object.keys(state).length);
    for (const input of inputs) await running.run(input);
    await running.writeState(await running.readState());
    expect(tf.memory().numTensors).toBe(during);
    await running.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });
});
