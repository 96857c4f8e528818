/** The engine of TensorFlow against that of onnxruntime: the same step must give the same numbers on both. */
import * as tf from '@tensorflow/tfjs-core';
import { createRequire } from 'node:module';
import util from 'node:util';
import { beforeAll, describe, expect, test } from 'vitest';
import { decodeModel } from '../converters/read.js';
import type { Arrays, Engine, Step } from '../src/engine/engine.js';
import { createOnnxRuntimeEngine } from '../src/engine/onnxruntime/index.js';
import { createTensorFlowEngine } from '../src/engine/tensorflow/index.js';
import { encode, floats, graphInputs, GRID, type Case } from './support/operator-cases.js';
import { functionOf } from './support/operator-function.js';
import { expectSameSteps, STEP_CASES, type StepCase } from './support/step-cases.js';

const installed = ['@tensorflow/tfjs-node', '@tensorflow/tfjs-node-gpu'].some((name) => {
  try {
    createRequire(import.meta.url).resolve(`${name}/package.json`);
    return true;
  } catch {
    return false;
  }
});

/**
 * Compared without their gradients: tfjs' own of Maximum and Minimum do not broadcast, and the engine of onnxruntime
 * lacks kernels that the others need.
 */
const FORWARD_ONLY = new Set(['Max', 'Min', 'ReduceProd', 'Gather']);

/** Every output of the operator, and the gradient of their weighted sum with respect to every input. */
function gradientCase(item: Case): StepCase {
  const { graph } = decodeModel(encode(item));
  const operator = functionOf(item, graph);
  const inputs = [...graphInputs(item, graph)].map(([name, { dims, data }]): [string, Arrays[string]] => [
    name,
    { shape: dims, data: data as Float32Array },
  ]);
  const step: Step = (_, input) => {
    const xs = inputs.map(([name]) => input[name]);
    const weighted = (y: tf.Tensor, i: number) =>
      tf.sum(tf.mul(y, tf.tensor(floats([y.size], 10 + i).data as Float32Array, y.shape)));
    const loss = (...free: tf.Tensor[]) => tf.addN(operator(free).map(weighted));
    const gradients = FORWARD_ONLY.has(item.opType) ? [] : tf.grads(loss)(xs);
    return {
      state: {},
      output: {
        ...Object.fromEntries(operator(xs).map((y, i) => [`y${i}`, y])),
        ...Object.fromEntries(gradients.map((gradient, i) => [`dx${i}`, gradient])),
      },
    };
  };
  const { opType, opset, attributes } = item;
  return {
    name: `${opType}-${opset} ${JSON.stringify(attributes)}`,
    step,
    state: {},
    inputs: [Object.fromEntries(inputs)],
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
    test.each(GRID.map((item, i) => ({ ...gradientCase(item), i })))('$i $name', (example) =>
      expectSameSteps(engine, onnxruntime, example),
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
