import { beforeAll, describe, expect, test } from 'vitest';
import { createDreamStep } from '../src/dream/dream-step.js';
import { shiftMatrix } from '../src/dream/jitter.js';
import type { Arrays, Engine, HostTensor, Step } from '../src/engine/engine.js';
import { createOnnxRuntimeEngine } from '../src/engine/onnxruntime/index.js';
import { pruneByMagnitude } from '../src/prune/magnitude.js';
import { createRandom } from '../src/random.js';
import { createDistilStep, distilState } from '../src/recover/distil-step.js';
import { createStatisticsStep } from '../src/recover/statistics.js';
import { createEagerEngine } from './support/eager-engine.js';
import { createTinyNetwork } from './support/tiny-network.js';

const network = createTinyNetwork(4);
const student = pruneByMagnitude(network, { sparsity: 0.5 });
const noise = (seed: number): HostTensor => ({
  shape: network.input.shape,
  data: createRandom(seed).gaussian(4 * 192),
});
const scalar = (value: number): HostTensor => ({ shape: [], data: Float32Array.of(value) });
let engines: Engine[];
beforeAll(async () => {
  engines = [await createEagerEngine(), createOnnxRuntimeEngine()];
});

/** Runs some steps on both engines and compares every output on the way and the state at the end. */
async function compare(step: Step, state: Arrays, inputs: Arrays[]): Promise<void> {
  const [eager, compiled] = await Promise.all(
    engines.map(async (engine) => {
      const running = await engine.compile(step, { state, input: inputs[0] });
      const outputs: Arrays[] = [];
      for (const input of inputs) {
        const output = await running.run(input);
        outputs.push(mapArrays(output, ({ shape, data }) => ({ shape, data: data.slice() })));
      }
      const end = await running.readState();
      await running.dispose();
      return [...outputs, end];
    }),
  );
  eager.forEach((expected, i) => {
    expect(Object.keys(compiled[i]).sort()).toEqual(Object.keys(expected).sort());
    for (const [name, { shape, data }] of Object.entries(expected)) {
      const actual = compiled[i][name];
      expect(actual.shape).toEqual(shape);
      data.forEach((value, j) => {
        const difference = Math.abs(actual.data[j] - value);
        if (!(difference <= 1e-4 + 1e-3 * Math.abs(value)))
          expect.fail(`${name}[${j}] after step ${i + 1} is ${actual.data[j]}, eagerly ${value}`);
      });
    }
  });
}

const mapArrays = (arrays: Arrays, f: (array: HostTensor) => HostTensor): Arrays =>
  Object.fromEntries(Object.entries(arrays).map(([name, array]) => [name, f(array)]));

describe('compiled steps compute what eager ones do', () => {
  test('dreaming', async () => {
    const preprocessing = {
      name: 'test',
      channels: 3,
      scale: [1.1, 0.9, 1.2],
      offset: [0.1, -0.2, 0.05],
      range: { low: -1.8, high: 2.2 },
    };
    const weights = { crossEntropy: 1, batchNorm: 1, totalVariation: 0.5, l2: 0.1 };
    const zeros = { shape: network.input.shape, data: new Float32Array(4 * 192) };
    const inputs = [0, 1, 2].map((i) => ({
      targets: { shape: [4, 3], data: Float32Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1, 1, 0, 0) },
      // Adam divides by the gradient's size: where that is almost 0, rounding alone decides its sign.
      learningRate: scalar(1e-4),
      rows: shiftMatrix(8, i - 1),
      columns: shiftMatrix(8, 2 - i, i === 1),
    }));
    await compare(
      createDreamStep(network, preprocessing, weights),
      { images: noise(1), first: zeros, second: zeros },
      inputs,
    );
  });

  test.each([0, 0.5])('distillation, feature weight %f', async (features) => {
    await compare(
      createDistilStep(network, student.masks, { temperature: 3, features, momentum: 0.9 }),
      distilState(network, student),
      [2, 3, 4].map((seed) => ({ images: noise(seed), learningRate: scalar(0.05) })),
    );
  });

  test('batch-norm re-estimation', async () => {
    const statistics = Object.fromEntries(
      Object.entries(distilState(network, student))
        .filter(([name]) => name.startsWith('statistic:'))
        .map(([name, array]) => [name.slice('statistic:'.length), array]),
    );
    const inputs = [5, 6].map((seed, i) => ({ images: noise(seed), share: scalar(1 / (i + 1)) }));
    await compare(createStatisticsStep(network, student), statistics, inputs);
  });
});
