/**
 * Random networks, compiled and on tfjs' own backend: logits, the gradient a dream takes to its images (weights
 * constant) and those that training takes to the weights. What the compiler rewrites is between operators.
 */
import fc from 'fast-check';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, test } from 'vitest';
import { decodeModel } from '../converters/read.js';
import { batchNormDistance } from '../src/dream/losses.js';
import type { Arrays, Step } from '../src/engine/engine.js';
import { createOnnxRuntimeEngine } from '../src/engine/onnxruntime/index.js';
import { loadOnnxRuntime } from '../src/engine/onnxruntime/runtime.js';
import { lowerModel } from '../src/network/lower.js';
import type { Network } from '../src/network/network.js';
import { differentiate } from '../src/optimise/gradients.js';
import { createRandom } from '../src/random.js';
import { expectSame, largestOf, type Engines } from './support/check-operator.js';
import { createEagerEngine } from './support/eager-engine.js';
import { BATCH, CLASSES, encodePlan, plan, type Plan } from './support/random-network.js';

let engines: Engines;

beforeAll(async () => {
  engines = { eager: await createEagerEngine(), compiled: createOnnxRuntimeEngine({ threads: 1 }) };
});

const WEIGHTS = createRandom(5).gaussian(BATCH * CLASSES);
const weighted = (logits: tf.Tensor) => tf.sum(tf.mul(logits, tf.tensor2d(WEIGHTS, [BATCH, CLASSES])));

/** As DeepInversion's step sees a teacher. */
function dreamStep(network: Network): Step {
  return (_, { x }) => {
    const { loss, gradients, outputs } = differentiate(
      (xs) => {
        const activations = network.forward(tf, {}, xs['x']);
        const distance =
          network.batchNorms.length > 0 ? batchNormDistance(network, activations) : tf.scalar(0);
        return {
          loss: tf.add(weighted(activations.logits), tf.mul(distance, 0.5)),
          outputs: { logits: activations.logits },
        };
      },
      { x },
    );
    return { state: {}, output: { loss, ...gradients, ...outputs } };
  };
}

/** As distillation sees its student: batch norms by the batch, everything else variable. */
function trainingStep(network: Network): Step {
  return (_, { x, ...weights }) => {
    const { loss, gradients, outputs } = differentiate((xs) => {
      const { logits, statistics } = network.forward(tf, xs, x, { batchNorm: 'batch' });
      const named = Object.entries(statistics).map(([name, value]) => [`new ${name}`, value]);
      return { loss: weighted(logits), outputs: { logits, ...Object.fromEntries(named) } };
    }, weights);
    return { state: {}, output: { loss, ...gradients, ...outputs } };
  };
}

async function compare(step: Step, input: Arrays): Promise<Arrays> {
  const [actual, expected] = await Promise.all(
    [engines.compiled, engines.eager].map(async (engine) => {
      const run = await engine.compile(step, { state: {}, input });
      const output = await run.run(input);
      await run.dispose();
      return output;
    }),
  );
  expect(Object.keys(actual).sort()).toEqual(Object.keys(expected).sort());
  // Weights before a batch norm may have gradients of 0 but for rounding.
  const scale = Math.max(...Object.values(expected).map(largestOf)) / 10;
  for (const name of Object.keys(expected)) expectSame(name, actual[name], expected[name], scale);
  return actual;
}

async function logitsOf(bytes: Uint8Array, { shape, data }: Arrays[string]): Promise<Arrays[string]> {
  const { InferenceSession, Tensor } = loadOnnxRuntime();
  const session = await InferenceSession.create(bytes, { intraOpNumThreads: 1 });
  const { [session.outputNames[0]]: logits } = await session.run({ x: new Tensor('float32', data, shape) });
  await session.release();
  return { shape: logits.dims, data: logits.data as Float32Array };
}

async function check(drawn: Plan): Promise<void> {
  const bytes = encodePlan(drawn);
  const network = lowerModel(decodeModel(bytes), { batch: BATCH });
  const { shape } = network.input;
  const x = { shape, data: createRandom(4).gaussian(shape.reduce((size, dim) => size * dim, 1)) };
  const { logits } = await compare(dreamStep(network), { x });
  expectSame('logits of onnxruntime', logits, await logitsOf(bytes, x));

  const trained = [...network.parameters.values()].filter(
    ({ role }) => role !== 'mean' && role !== 'variance',
  );
  const weights: Arrays = Object.fromEntries(
    trained.map(({ name, dims, data }) => [name, { shape: dims, data }]),
  );
  await compare(trainingStep(network), { x, ...weights });
}

test('random networks', async () => {
  const result = await fc.check(fc.asyncProperty(plan, check), {
    seed: 1,
    numRuns: 150,
    includeErrorInReport: true,
  });
  const [drawn] = result.counterexample ?? [];
  expect(result.failed, `${JSON.stringify(drawn)}: ${String(result.errorInstance)}`).toBe(false);
}, 120_000);
