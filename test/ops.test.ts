/** Every operator on small cases (test/support/operator-grid.ts), and that none is left out. */
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { encodeModel } from '../converters/encode.js';
import { findOperator, OPERATORS } from '../converters/ops/index.js';
import { decodeModel } from '../converters/read.js';
import type { Step } from '../src/engine/engine.js';
import { createOnnxRuntimeEngine } from '../src/engine/onnxruntime/index.js';
import { lowerModel } from '../src/network/lower.js';
import { checkForward, checkGradient, type Engines } from './support/check-operator.js';
import { createEagerEngine } from './support/eager-engine.js';
import { VECTORS } from './support/gradient-vectors.js';
import {
  describeCase,
  encode,
  floats,
  floatsOf,
  graphInputs,
  op,
  positive,
} from './support/operator-cases.js';
import { GRID, WITHOUT_GRADIENT } from './support/operator-grid.js';
import { hasFloats, operatorOf, runInOnnxRuntime } from './support/operator-step.js';
import { expectClose, runGraph, toTfjs } from './support/run-graph.js';

/** Its outputs beyond the first are not onnxruntime's to compute, but have gradients all the same. */
const TRAINING = [floats([3, 4, 2, 3]), floats([3, 4]), floats([130, 4])].map((x) =>
  op(
    'BatchNormalization',
    15,
    [x, floats([4], 2), floats([4], 3), floats([4], 4), positive([4], 5)],
    { training_mode: 1, momentum: { float: 0.75 }, epsilon: { float: 0.5 } },
    3,
  ),
);

let engines: Engines;

beforeAll(async () => {
  engines = { eager: await createEagerEngine(), compiled: createOnnxRuntimeEngine({ threads: 1 }) };
});

const titled = (cases: typeof GRID) =>
  cases.map((item, i) => ({ title: `${i} ${describeCase(item)}`, item }));

describe('forward agrees with onnxruntime', () => {
  test.each(titled(GRID))('$title', async ({ item }) => {
    // As the network computes it, which folds what is constant; then on the engines, which fold nothing.
    const { graph } = decodeModel(encode(item));
    const expected = await runInOnnxRuntime(item);
    const actual = [...runGraph(graph, item.opset, graphInputs(item, graph)).values()];
    actual.forEach((tensor, i) => {
      expectClose(tensor, expected[i], 1e-5, 1e-5);
    });
    await checkForward(item, engines);
  });
});

describe('gradients agree with central differences', () => {
  const smooth = [...GRID, ...TRAINING].filter(
    (item) => !WITHOUT_GRADIENT.has(item.opType) && hasFloats(item),
  );
  test.each(titled(smooth))('$title', ({ item }) => checkGradient(item, engines));
});

describe('no operator is left out', () => {
  const compared = new Set(VECTORS.flatMap(([, vectors]) => vectors.map(({ op: opType }) => opType)));

  test.each(OPERATORS.map(({ opType }) => opType))('%s', (opType) => {
    const cases = GRID.filter((item) => item.opType === opType);
    expect(cases, 'cases of the grid').not.toHaveLength(0);
    const differentiable = cases.some((item) => operatorOf(item) !== undefined && hasFloats(item));
    if (WITHOUT_GRADIENT.has(opType)) {
      expect(compared.has(opType), "a comparison with PyTorch's gradient").toBe(false);
    } else {
      expect(differentiable, 'a comparison with central differences').toBe(true);
      expect(compared.has(opType), "a comparison with PyTorch's gradient").toBe(true);
    }
  });
});

test('batch norm in training mode yields the running statistics of the specification', () => {
  const definition = findOperator({ domain: '', opType: 'BatchNormalization' }, 9)!;
  const x = floats([3, 2, 4, 5]);
  const channels = [0, 1].map((c) =>
    Array.from(x.data as Float32Array).filter((_, i) => Math.floor(i / 20) % 2 === c),
  );
  const mean = channels.map((values) => values.reduce((a, b) => a + b) / 60);
  const variance = channels.map((values, c) => values.reduce((a, b) => a + (b - mean[c]) ** 2, 0) / 60);
  const vector = (values: number[]) => tf.tensor1d(values);
  const [, runningMean, runningVariance] = definition.forward!(
    tf,
    [toTfjs(x), vector([1, 2]), vector([3, 4]), vector([5, -6]), vector([7, 8])],
    { epsilon: 1e-5, momentum: 0.75, training_mode: 1 },
    { opset: 9, constants: [], types: [], outputCount: 3, outputShapes: [] },
  );
  mean.forEach((value, c) => {
    expect(runningMean.dataSync()[c]).toBeCloseTo(0.75 * [5, -6][c] + 0.25 * value, 5);
  });
  variance.forEach((value, c) => {
    expect(runningVariance.dataSync()[c]).toBeCloseTo(0.75 * [7, 8][c] + 0.25 * value, 5);
  });
});

/** y = x [0 < x < 1 or x = 2], as an exporter spells it out: the mask is constant, and the gradient is the mask. */
test.each(['eager', 'compiled'] as const)(
  'comparisons, logic and casts pass no gradient on: %s',
  async (name) => {
    const float = (value: number) => floatsOf([1], value);
    const node = (opType: string, inputs: string[], output: string, attributes = {}) => ({
      opType,
      inputs,
      outputs: [output],
      attributes,
    });
    const model = encodeModel({
      opset: 13,
      irVersion: 8,
      nodes: [
        node('LessOrEqual', ['x', 'zero'], 'low'),
        node('GreaterOrEqual', ['x', 'one'], 'high'),
        node('Or', ['low', 'high'], 'outside'),
        node('Not', ['outside'], 'inside'),
        node('Equal', ['x', 'two'], 'two exactly'),
        node('Or', ['inside', 'two exactly'], 'open'),
        node('And', ['open', 'open'], 'still open'),
        node('Cast', ['still open'], 'mask', { to: 1 }),
        node('Mul', ['x', 'mask'], 'product'),
        node('Greater', ['x', 'zero'], 'positive'),
        node('Where', ['positive', 'product', 'product'], 'y'),
      ],
      initializers: new Map([
        ['zero', float(0)],
        ['one', float(1)],
        ['two', float(2)],
      ]),
      inputs: [{ name: 'x', type: 'float', shape: [1, 5] }],
      outputs: [{ name: 'y', type: 'float', shape: [1, 5] }],
    });
    const network = lowerModel(decodeModel(model), { batch: 1 });
    const input = { x: { shape: [1, 5], data: Float32Array.of(-1, 0.25, 0.5, 1.5, 2) } };
    const step: Step = (_, { x }) => ({
      state: {},
      output: { gradient: tf.grad((images: tf.Tensor) => tf.sum(network.forward(tf, {}, images).logits))(x) },
    });
    const run = await engines[name].compile(step, { state: {}, input });
    const { gradient } = await run.run(input);
    expect([...gradient.data]).toEqual([0, 1, 1, 0, 1]);
    await run.dispose();
  },
);
