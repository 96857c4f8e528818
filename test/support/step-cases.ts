import { expect } from 'vitest';
import { toArrays } from '../../src/classifier.js';
import { createDreamStep } from '../../src/dream/dream-step.js';
import { createGenerator } from '../../src/dream/generator/generator.js';
import { createGeneratorStep, generatorState, STUDENT } from '../../src/dream/generator/generator-step.js';
import { drawVariation } from '../../src/dream/generator/variation.js';
import { shiftMatrix, windowMatrix } from '../../src/dream/jitter.js';
import { startMoments } from '../../src/dream/scales.js';
import type { Arrays, Engine, HostTensor, Step } from '../../src/engine/engine.js';
import { scalar } from '../../src/engine/host-tensor.js';
import { prefixed } from '../../src/prefix.js';
import { prune } from '../../src/prune/prune.js';
import { createRandom } from '../../src/random.js';
import { createDistilStep, distilState } from '../../src/recover/distil-step.js';
import { createStatisticsStep } from '../../src/recover/statistics.js';
import { createTinyNetwork } from './tiny-network.js';

/** A step, where it starts, and what it is given from run to run. */
export interface StepCase {
  readonly name: string;
  readonly step: Step;
  readonly state: Arrays;
  readonly inputs: readonly Arrays[];
}

const network = createTinyNetwork(4);
const student = prune(network, { sparsity: 0.5 });
const noise = (seed: number): HostTensor => ({
  shape: network.input.shape,
  data: createRandom(seed).gaussian(4 * 192),
});

const preprocessing = {
  name: 'test',
  channels: 3,
  scale: [1.1, 0.9, 1.2],
  offset: [0.1, -0.2, 0.05],
  range: { low: -1.8, high: 2.2 },
};

/** The steps the recipe is made of, on a tiny network. */
export const STEP_CASES: readonly StepCase[] = [
  dreaming(),
  generating(),
  distillation(0),
  distillation(0.5),
  statistics(),
];

function dreaming(): StepCase {
  const weights = { crossEntropy: 1, batchNorm: 1, totalVariation: 0.5, l2: 0.1 };
  return {
    name: 'dreaming',
    step: createDreamStep(network, preprocessing, weights),
    state: { images: noise(1), ...startMoments(network.input.shape) },
    inputs: [0, 1, 2].map((i) => ({
      targets: { shape: [4, 3], data: Float32Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1, 1, 0, 0) },
      // Adam divides by the gradient's size: where that is almost 0, rounding alone decides its sign.
      learningRate: scalar(1e-4),
      rows: shiftMatrix(8, i - 1),
      columns: shiftMatrix(8, 2 - i, i === 1),
    })),
  };
}

/** Of a generator against teacher and student, with another image of its class for each. */
function generating(): StepCase {
  const generator = createGenerator(network.input.shape, 3, preprocessing, 8, createRandom(7));
  const weights = { crossEntropy: 1, batchNorm: 2, diversity: 3, adversarial: 1 };
  const [rows, columns] = [0, 1].map((axis) => windowMatrix(8, generator.canvas[axis], 0));
  return {
    name: 'a generator',
    step: createGeneratorStep(network, generator, preprocessing, weights),
    state: { ...generatorState(generator), ...prefixed(STUDENT, toArrays(network, student.weights)) },
    inputs: [8, 9].map((seed) => ({
      ...drawVariation([0, 1, 0, 1], { classes: 3, channels: 3 }, createRandom(seed)),
      learningRate: scalar(1e-4),
      rows,
      columns,
    })),
  };
}

function distillation(features: number): StepCase {
  return {
    name: `distillation, feature weight ${features}`,
    step: createDistilStep(network, { temperature: 3, features, momentum: 0.8, trust: 0.4 }),
    state: distilState(network, student),
    inputs: [2, 3, 4].map((seed) => ({ images: noise(seed), learningRate: scalar(0.05) })),
  };
}

function statistics(): StepCase {
  const ofState = Object.entries(distilState(network, student)).filter(([name]) =>
    name.startsWith('statistic:'),
  );
  return {
    name: 'batch-norm re-estimation',
    step: createStatisticsStep(network, student),
    state: Object.fromEntries(ofState.map(([name, array]) => [name.slice('statistic:'.length), array])),
    inputs: [5, 6].map((seed, i) => ({ images: noise(seed), share: scalar(1 / (i + 1)) })),
  };
}

/** Runs the step on both engines: every output on the way and the state at the end agree to 1e-4 + 1e-3 |expected|. */
export async function expectSameSteps(actual: Engine, expected: Engine, example: StepCase): Promise<void> {
  const [found, wanted] = await Promise.all([record(actual, example), record(expected, example)]);
  wanted.forEach((arrays, i) => {
    expect(Object.keys(found[i]).sort()).toEqual(Object.keys(arrays).sort());
    for (const [name, { shape, data }] of Object.entries(arrays)) {
      const other = found[i][name];
      expect(other.shape).toEqual(shape);
      data.forEach((value, j) => {
        if (!(Math.abs(other.data[j] - value) <= 1e-4 + 1e-3 * Math.abs(value))) {
          expect.fail(
            `${name}[${j}] after step ${i + 1} is ${other.data[j]} in ${actual.name}, ${value} in ${expected.name}`,
          );
        }
      });
    }
  });
}

/** The outputs of each run, then the state. */
async function record(engine: Engine, { step, state, inputs }: StepCase): Promise<Arrays[]> {
  const running = await engine.compile(step, { state, input: inputs[0] });
  const results: Arrays[] = [];
  for (const input of inputs) results.push(copy(await running.run(input)));
  results.push(await running.readState());
  await running.dispose();
  return results;
}

const copy = (arrays: Arrays): Arrays =>
  Object.fromEntries(
    Object.entries(arrays).map(([name, { shape, data }]) => [name, { shape, data: data.slice() }]),
  );
