/** What the compiler writes for devices with fewer operators computes the same, on the cpu, which has them all. */
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { decodeModel } from '../converters/read.js';
import type { Device } from '../src/engine/device.js';
import type { HostTensor, Step } from '../src/engine/engine.js';
import { optimise } from '../src/engine/onnxruntime/compile.js';
import { emit } from '../src/engine/onnxruntime/emit.js';
import { trace } from '../src/engine/onnxruntime/recorder.js';
import { loadOnnxRuntime } from '../src/engine/onnxruntime/runtime.js';
import { createSession } from '../src/engine/onnxruntime/session.js';
import { createRandom } from '../src/random.js';

const MISSING = ['FusedMatMul', 'MaxUnpool', 'ScatterElements'];

/** The operators of a step compiled for a device, and its first output, computed on the cpu. */
async function run(
  step: Step,
  x: HostTensor,
  device: Device,
): Promise<{ operators: string[]; data: Float32Array }> {
  const model = emit(optimise(trace(step, { state: {}, input: { x } }), { device }).graph);
  const session = await createSession(model, { device: 'cpu', threads: 1 });
  const { Tensor } = loadOnnxRuntime();
  const results = await session.run({ 'input:x': new Tensor('float32', x.data, x.shape) });
  await session.release();
  const operators = decodeModel(model).graph.nodes.map(({ opType }) => opType);
  return { operators, data: Object.values(results)[0].data as Float32Array };
}

async function compare(step: Step, x: HostTensor): Promise<void> {
  const expected = await run(step, x, 'cpu');
  const actual = await run(step, x, 'webgpu');
  expect(expected.operators.some((operator) => MISSING.includes(operator))).toBe(true);
  expect(actual.operators.filter((operator) => MISSING.includes(operator))).toEqual([]);
  expect(actual.data).toHaveLength(expected.data.length);
  actual.data.forEach((value, i) => {
    expect(value).toBeCloseTo(expected.data[i], 5);
  });
}

const image = (size: number, f: (value: number) => number): HostTensor => ({
  shape: [2, size, size, 3],
  data: createRandom(3)
    .gaussian(6 * size * size)
    .map(f),
});

describe('max-pool gradients without indices', () => {
  test.each([
    [8, 2, 2, 'valid'],
    [7, 3, 2, 'same'],
    [7, 3, 1, 'same'],
    [7, 3, 2, 'valid'],
    [8, 4, 2, 'same'],
    [8, 2, 1, 'same'],
  ] as const)('images of %d, kernel %d, stride %d, %s', async (size, kernel, stride, padding) => {
    const step: Step = (state, { x }) => {
      const gradient = tf.grad((z) => {
        const y = tf.maxPool(z as tf.Tensor4D, kernel, stride, padding);
        const weights = Float32Array.from({ length: y.size }, (_, i) => Math.cos(i));
        return tf.sum(tf.mul(y, tf.tensor(weights, y.shape)));
      })(x);
      return { state, output: { gradient } };
    };
    await compare(
      step,
      image(size, (value) => value),
    );
    // Where several are equal the first takes it all, as MaxPool's indices have it.
    await compare(
      step,
      image(size, (value) => Math.max(value, 0)),
    );
  });
});

test.each([
  [true, false],
  [false, true],
  [true, true],
])('matrix products of transposed operands, %s %s', async (transposeA, transposeB) => {
  const step: Step = (state, { x }) => {
    const product = tf.matMul(x, tf.mul(x, x), transposeA, transposeB);
    return { state, output: { product } };
  };
  await compare(step, { shape: [2, 5, 5], data: createRandom(4).gaussian(50) });
});

test.each([
  ['mean', [4, 3, 5, 6], [0, 2, 3], 2],
  ['sum', [4, 3, 5, 6], [0, 2, 3], 2],
  ['mean', [4, 3, 5, 6], [0, 1, 2, 3], 2],
  ['sum', [4, 3, 5, 6], [1, 2, 3], 2],
  ['sum', [4, 3, 5, 6], [1], 1],
  ['sum', [70, 60, 3, 3], [0, 1, 2, 3], 3],
  ['sum', [70, 60], [0, 1], 2],
  ['mean', [7, 6], [0, 1], 1],
] as const)('the %s of %j over axes %j is taken in %d parts', async (kind, shape, axes, parts) => {
  const step: Step = (state, { x }) => ({ state, output: { y: tf[kind](tf.square(x), [...axes], true) } });
  const size = shape.reduce((product, dim) => product * dim, 1);
  const x = { shape: [...shape], data: createRandom(5).gaussian(size) };
  const [expected, actual] = [await run(step, x, 'cpu'), await run(step, x, 'webgpu')];
  const reductions = (operators: string[]) => operators.filter((operator) => operator.startsWith('Reduce'));
  expect([expected, actual].map(({ operators }) => reductions(operators).length)).toEqual([1, parts]);
  expect(actual.data).toHaveLength(expected.data.length);
  actual.data.forEach((value, i) => {
    expect(Math.abs(value - expected.data[i])).toBeLessThan(1e-5 * Math.abs(expected.data[i]));
  });
});
