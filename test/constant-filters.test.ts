/** Forms of convolutions whose filter is constant, against tfjs' own JavaScript backend. */
import * as tf from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import type { Arrays, Step } from '../src/engine/engine.js';
import { optimise } from '../src/engine/onnxruntime/compile.js';
import { createOnnxRuntimeEngine } from '../src/engine/onnxruntime/index.js';
import { trace } from '../src/engine/onnxruntime/recorder.js';
import { liveNodes } from '../src/engine/onnxruntime/rewrite.js';
import { createRandom } from '../src/random.js';
import { createEagerEngine } from './support/eager-engine.js';

const random = createRandom(5);
const gaussian = (name: string, ...shape: number[]) => ({
  shape,
  data: random.split(name).gaussian(shape.reduce((size, dim) => size * dim, 1)),
});

interface Case {
  readonly x: readonly number[];
  readonly filters: number;
  readonly stride?: number;
  /** Zeros above, left, below and right. */
  readonly pads?: readonly [number, number, number, number];
}

/** y = relu(conv(x, w) + b), and the gradient of the sum of y * y with respect to x; w is 3 by 3. */
function convolutionStep({ x, filters, stride = 1, pads = [1, 1, 1, 1] }: Case): Step {
  const [w, b] = [gaussian('w', 3, 3, x[1], filters), gaussian('b', filters)];
  const [top, left, below, right] = pads;
  const convolve = (images: tf.Tensor): tf.Tensor => {
    const last = tf.pad(tf.transpose(images, [0, 2, 3, 1]), [
      [0, 0],
      [top, below],
      [left, right],
      [0, 0],
    ]);
    const y = tf.conv2d(last as tf.Tensor4D, tf.tensor4d(w.data, [3, 3, x[1], filters]), stride, 'valid');
    return tf.relu(tf.transpose(tf.add(y, tf.tensor1d(b.data)), [0, 3, 1, 2]));
  };
  return (_, input) => {
    const gradient = tf.grad((images: tf.Tensor) => tf.sum(tf.square(convolve(images))))(input['x']);
    return { state: {}, output: { y: convolve(input['x']), gradient } };
  };
}

async function expectSame(step: Step, input: Arrays): Promise<void> {
  const example = { state: {}, input };
  const [actual, expected] = await Promise.all(
    [createOnnxRuntimeEngine({ threads: 1 }), await createEagerEngine()].map(async (engine) => {
      const compiled = await engine.compile(step, example);
      const output = await compiled.run(input);
      await compiled.dispose();
      return output;
    }),
  );
  for (const [name, { data }] of Object.entries(expected)) {
    const largest = data.reduce((most, element) => Math.max(most, Math.abs(element)), 0);
    const error = data.reduce(
      (most, element, i) => Math.max(most, Math.abs(element - actual[name].data[i])),
      0,
    );
    expect(error / largest, name).toBeLessThan(1e-5);
  }
}

/** Sizes of the kernels of the blocked convolutions that a step becomes, whatever this machine's processor has. */
function kernels(step: Step, input: Arrays): Set<string> {
  const { graph } = optimise(trace(step, { state: {}, input }), { block: 16 });
  const convolutions = liveNodes(graph).filter(({ op }) => op === 'nchwc.Conv');
  return new Set(convolutions.map(({ attributes }) => String(attributes['kernel_shape'])));
}

test.each<[string, Case]>([
  ['2 by 2 pixels', { x: [8, 20, 2, 2], filters: 24 }],
  ['1 pixel', { x: [9, 32, 1, 1], filters: 16 }],
  ['2 by 2 pixels to 1', { x: [8, 16, 2, 2], filters: 36, stride: 2 }],
  ['1 by 3 pixels, pads that differ', { x: [8, 16, 1, 3], filters: 16, pads: [2, 1, 0, 1] }],
])('between maps of very few pixels: %s', async (_, shape) => {
  const input = { x: gaussian('x', ...shape.x) };
  const step = convolutionStep(shape);
  expect(kernels(step, input)).not.toContain('3,3');
  await expectSame(step, input);
});

test.each<[string, Case]>([
  ['whole tiles', { x: [1, 128, 4, 16], filters: 128 }],
  ['rows that do not fill the last tile', { x: [1, 64, 7, 32], filters: 64 }],
  ['pads that differ', { x: [2, 128, 3, 18], filters: 128, pads: [2, 0, 1, 1] }],
])('by minimal filtering: %s', async (_, shape) => {
  const input = { x: gaussian('x', ...shape.x) };
  const step = convolutionStep(shape);
  expect(kernels(step, input)).toContain('1,3');
  await expectSame(step, input);
});
