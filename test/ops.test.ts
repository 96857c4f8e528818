import '#tfjs-gradients';
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Tensor } from '../converters/model.js';
import { findOperator } from '../converters/ops/index.js';
import { decodeModel } from '../converters/read.js';
import { loadOnnxRuntime } from '../src/engine/onnxruntime/runtime.js';
import {
  CONVOLUTIONS,
  ELEMENTWISE,
  GRID,
  LINEAR,
  MOVEMENT,
  POOLS,
  REDUCTIONS,
  encode,
  floats,
  graphInputs,
} from './support/operator-cases.js';
import { functionOf } from './support/operator-function.js';
import { expectClose, runGraph, toTfjs } from './support/run-graph.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

describe('forward agrees with onnxruntime', () => {
  test.each(GRID.map((item, i) => ({ ...item, i, shown: JSON.stringify(item.attributes) })))(
    '$i $opType-$opset $shown',
    async (item) => {
      const bytes = encode(item);
      const { graph } = decodeModel(bytes);
      const inputs = graphInputs(item, graph);
      const expected = await runInOnnxRuntime(bytes, inputs);
      const actual = [...runGraph(graph, item.opset, inputs).values()];
      actual.forEach((tensor, i) => {
        expectClose(tensor, expected[i], 1e-4, 1e-5);
      });
    },
  );
});

async function runInOnnxRuntime(bytes: Uint8Array, inputs: ReadonlyMap<string, Tensor>): Promise<Tensor[]> {
  const { InferenceSession, Tensor: OrtTensor } = loadOnnxRuntime();
  const session = await InferenceSession.create(bytes, { intraOpNumThreads: 1, logSeverityLevel: 4 });
  const feeds = Object.fromEntries(
    [...inputs].map(([name, { type, dims, data }]) => [
      name,
      new OrtTensor(type === 'float' ? 'float32' : 'int64', data as Float32Array, [...dims]),
    ]),
  );
  const results = await session.run(feeds);
  await session.release();
  return session.outputNames.map((name) => {
    const { dims, data } = results[name];
    return { type: 'float', dims, data: data as Float32Array };
  });
}

/** Linear in every input, or smooth: where a central difference is a fair judge. Kinks are compared with PyTorch's. */
const SMOOTH = [
  ...CONVOLUTIONS,
  ...POOLS.filter(({ opType }) => opType.includes('Average')),
  ...LINEAR,
  ...MOVEMENT,
  ...REDUCTIONS.filter(({ opType }) => opType === 'ReduceMean' || opType === 'ReduceSum'),
  ...ELEMENTWISE.filter(({ opType }) =>
    [
      'Sigmoid',
      'Tanh',
      'Softplus',
      'Exp',
      'Erf',
      'Sqrt',
      'Log',
      'Gelu',
      'Add',
      'Sub',
      'Mul',
      'Div',
      'Pow',
    ].includes(opType),
  ),
];
const STEP = 1e-2;

describe('gradients agree with central differences', () => {
  test.each(SMOOTH.map((item, i) => ({ ...item, i, shown: JSON.stringify(item.attributes) })))(
    '$i $opType-$opset $shown',
    (item) => {
      const { graph } = decodeModel(encode(item));
      const inputs = graphInputs(item, graph);
      const open = [...inputs.keys()];
      // As a training step sees it: every input a variable, the output weighted by arbitrary numbers.
      const compute = functionOf(item, graph);
      const weights = new Map<number, Float32Array>();
      const weightOf = (i: number, size: number) =>
        weights.get(i) ?? weights.set(i, floats([size], 10 + i).data as Float32Array).get(i)!;
      const gradients = tf.grads((...xs: tf.Tensor[]) =>
        compute(xs)
          .map((y, i) => tf.sum(tf.mul(y, tf.tensor(weightOf(i, y.size), y.shape))))
          .reduce((a, b) => tf.add(a, b)),
      )(open.map((name) => toTfjs(inputs.get(name)!)));

      open.forEach((name, position) => {
        const tensor = inputs.get(name)!;
        const direction = floats(tensor.dims, 20).data as Float32Array;
        const shifted = (by: number) => {
          const data = (tensor.data as Float32Array).map((x, i) => x + by * direction[i]);
          const xs = open.map((other) => toTfjs(other === name ? { ...tensor, data } : inputs.get(other)!));
          return compute(xs).reduce(
            (sum, y, i) => sum + dot(y.dataSync() as Float32Array, weightOf(i, y.size)),
            0,
          );
        };
        const expected = (shifted(STEP) - shifted(-STEP)) / (2 * STEP);
        const gradient = gradients[position].dataSync() as Float32Array;
        expect(Math.abs(dot(gradient, direction) - expected)).toBeLessThan(2e-3 * (1 + Math.abs(expected)));
      });
    },
  );
});

function dot(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, x, i) => sum + x * b[i], 0);
}

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
