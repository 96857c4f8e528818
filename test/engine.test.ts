/** The compiled engine against tfjs' own JavaScript backend: the same step must give the same numbers on both. */
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Arrays, Engine, HostTensor, Step } from '../src/engine/engine.js';
import { createOnnxRuntimeEngine } from '../src/engine/onnxruntime/index.js';
import { createRandom } from '../src/random.js';
import { createEagerEngine } from './support/eager-engine.js';

let eager: Engine;
const compiled = createOnnxRuntimeEngine({ threads: 1 });
const random = createRandom(7);

beforeAll(async () => {
  eager = await createEagerEngine();
});

function gaussian(name: string, ...shape: number[]): HostTensor {
  return { shape, data: random.split(name).gaussian(shape.reduce((size, dim) => size * dim, 1)) };
}

function expectClose(actual: Arrays, expected: Arrays): void {
  expect(Object.keys(actual).sort()).toEqual(Object.keys(expected).sort());
  for (const [name, { shape, data }] of Object.entries(expected)) {
    expect(actual[name].shape, name).toEqual(shape);
    const scale = data.reduce((most, element) => Math.max(most, Math.abs(element)), 1e-3);
    data.forEach((element, index) => {
      const difference = Math.abs(actual[name].data[index] - element);
      if (!(difference <= 1e-4 * scale)) {
        expect.fail(
          `${name}[${index}]: ${actual[name].data[index]} instead of ${element} (largest ${scale})`,
        );
      }
    });
  }
}

/** Runs `steps` steps on both engines and compares outputs of each and the final state. */
async function compare(step: Step, state: Arrays, input: Arrays, steps = 1): Promise<void> {
  const [actual, expected] = await Promise.all(
    [compiled, eager].map((engine) => engine.compile(step, { state, input })),
  );
  for (let index = 0; index < steps; index++) expectClose(await actual.run(input), await expected.run(input));
  expectClose(await actual.readState(), await expected.readState());
  await actual.dispose();
  await expected.dispose();
}

/** f's value and its gradients with respect to every input, for a random cotangent. */
function withGradients(
  f: (...inputs: tf.Tensor[]) => tf.Tensor,
  inputs: Record<string, HostTensor>,
): Promise<void> {
  const names = Object.keys(inputs);
  const step: Step = (_, input) => {
    const arguments_ = names.map((name) => input[name]);
    const { value, grads } = tf.valueAndGrads((...tensors: tf.Tensor[]) => {
      const y = f(...tensors);
      // A weight that differs per element, so that no gradient is uniform.
      const weight = tf.reshape(
        tf.tensor1d(Float32Array.from({ length: y.size }, (_e, index) => Math.cos(index))),
        y.shape,
      );
      return tf.sum(tf.mul(y, weight));
    })(arguments_);
    return {
      state: {},
      output: {
        value,
        f: f(...arguments_),
        ...Object.fromEntries(grads.map((grad, index) => [`d${names[index]}`, grad])),
      },
    };
  };
  return compare(step, {}, inputs);
}

const nhwc = (x: tf.Tensor) => tf.transpose(x, [0, 2, 3, 1]) as tf.Tensor4D;
const nchw = (x: tf.Tensor) => tf.transpose(x, [0, 3, 1, 2]);
const padded = (x: tf.Tensor, p: number, value = 0) =>
  tf.pad(
    x,
    [
      [0, 0],
      [p, p],
      [p, p],
      [0, 0],
    ],
    value,
  ) as tf.Tensor4D;

describe('element-wise, reductions and movement, with gradients', () => {
  const x = gaussian('x', 2, 3, 4);
  const y = gaussian('y', 3, 1);
  const cases: Record<string, (x: tf.Tensor, y: tf.Tensor) => tf.Tensor> = {
    'arithmetic with broadcasting': (a, b) =>
      tf.div(tf.sub(tf.mul(a, b), tf.add(a, 2)), tf.add(tf.square(b), 1)),
    'maximum, minimum, abs': (a, b) => tf.maximum(tf.minimum(a, tf.mul(a, b)), tf.neg(tf.abs(a))),
    'sqrt, rsqrt, log, exp': (a, b) =>
      tf.add(tf.sqrt(tf.add(tf.square(a), 1)), tf.mul(tf.rsqrt(tf.exp(b)), tf.log(tf.exp(a)))),
    'relu, relu6, leaky relu, elu': (a, b) =>
      tf.add(tf.relu(a), tf.add(tf.relu6(tf.mul(a, 5)), tf.add(tf.leakyRelu(b, 0.1), tf.elu(a)))),
    'sigmoid, tanh, softplus, erf': (a, b) =>
      tf.add(tf.sigmoid(a), tf.add(tf.tanh(b), tf.mul(tf.softplus(a), tf.erf(a)))),
    'clip and where': (a, b) =>
      tf.where(tf.tensor([1, 0, 1, 0], [4], 'bool'), tf.clipByValue(a, -0.5, 0.5), tf.mul(a, b)),
    'power and squared difference': (a, b) =>
      tf.add(tf.pow(tf.abs(a), 1.5), tf.squaredDifference(a, tf.mul(a, b))),
    'sum and mean over some axes': (a, b) =>
      tf.add(tf.mul(tf.sum(a, [0, 2], true), b), tf.mean(a, [1], true)),
    'reductions to a scalar': (a, b) => tf.mul(tf.mean(a), tf.sum(tf.square(b))),
    'maximum along an axis': (a, b) => tf.mul(tf.max(a, 2, true), b),
    'softmax, log softmax': (a, b) => tf.mul(tf.softmax(a), tf.logSoftmax(tf.mul(a, b))),
    'variance as moments': (a, b) => tf.mul(tf.moments(a, [0, 2], true).variance, b),
    'reshape, transpose, slice, concat': (a, b) =>
      tf.concat(
        [
          tf.slice(tf.transpose(tf.reshape(a, [2, 4, 3]), [0, 2, 1]), [0, 0, 1], [2, 3, 2]),
          tf.tile(tf.reshape(b, [1, 3, 1]), [2, 1, 2]),
        ],
        2,
      ),
    'pad, reverse, tile': (a, b) =>
      tf.mul(
        tf.pad(
          tf.reverse(a, 1),
          [
            [0, 0],
            [0, 0],
            [1, 2],
          ],
          0.5,
        ),
        b,
      ),
    'matrix products': (a, b) =>
      tf.matMul(tf.matMul(a, tf.transpose(a, [0, 2, 1])), tf.tile(tf.reshape(b, [1, 3, 1]), [2, 1, 1])),
    'transposed matrix products': (a, b) => tf.mul(tf.matMul(a, tf.add(a, 1), false, true), b),
  };
  test.each(Object.entries(cases))('%s', (_, f) => withGradients(f, { x, y }));
});

describe('convolution, with gradients', () => {
  for (const stride of [1, 2]) {
    for (const kernel of [1, 3]) {
      for (const size of [7, 8]) {
        const pad = (kernel - 1) / 2;
        const x = gaussian('x', 2, 3, size, size + 1);
        test(`${kernel}x${kernel}, stride ${stride}, ${size} rows, padded`, () =>
          withGradients(
            (a, w) =>
              nchw(
                tf.conv2d(
                  padded(nhwc(a), pad),
                  tf.transpose(w, [2, 3, 1, 0]) as tf.Tensor4D,
                  stride,
                  'valid',
                ),
              ),
            { x, w: gaussian('w', 4, 3, kernel, kernel) },
          ));
        test(`depthwise ${kernel}x${kernel}, stride ${stride}, ${size} rows, padded`, () =>
          withGradients(
            (a, w) =>
              nchw(
                tf.depthwiseConv2d(
                  padded(nhwc(a), pad),
                  tf.transpose(w, [2, 3, 0, 1]) as tf.Tensor4D,
                  stride,
                  'valid',
                ),
              ),
            { x, w: gaussian('w', 3, 2, kernel, kernel) },
          ));
      }
    }
  }
  test("with tfjs' own 'same' padding", () =>
    withGradients(
      (a, w) => nchw(tf.conv2d(nhwc(a), tf.transpose(w, [2, 3, 1, 0]) as tf.Tensor4D, 2, 'same')),
      {
        x: gaussian('x', 1, 2, 6, 5),
        w: gaussian('w', 3, 2, 3, 3),
      },
    ));
});

describe('pooling, with gradients', () => {
  const x = gaussian('x', 2, 3, 6, 6);
  for (const [size, stride, pad] of [
    [2, 2, 0],
    [3, 2, 1],
    [3, 1, 1],
  ]) {
    test(`max ${size}, stride ${stride}, pad ${pad}`, () =>
      withGradients((a) => nchw(tf.maxPool(padded(nhwc(a), pad, -3.4e38), size, stride, 'valid')), { x }));
    test(`average ${size}, stride ${stride}, pad ${pad}`, () =>
      withGradients((a) => nchw(tf.avgPool(padded(nhwc(a), pad), size, stride, 'valid')), { x }));
  }
});

test('every second element of the last axes, with gradients', () => {
  const everySecond = (a: tf.Tensor, axis: number, at: number) => {
    const shape = a.shape.map((dim, index) => (index === axis ? dim / 2 : dim));
    const [outer, inner] = [a.shape.slice(0, axis), a.shape.slice(axis + 1)].map((dims) =>
      dims.reduce((x, y) => x * y, 1),
    );
    const rows = tf.reshape(a, [outer, a.shape[axis] / 2, 2, inner]);
    return tf.reshape(tf.slice(rows, [0, 0, at, 0], [outer, a.shape[axis] / 2, 1, inner]), shape);
  };
  return withGradients((a) => everySecond(everySecond(a, 2, 0), 3, 1), { x: gaussian('x', 2, 3, 6, 8) });
});

describe('state', () => {
  const step: Step = ({ w, momentum }, { x, rate }) => {
    const { value, grads } = tf.valueAndGrads((v: tf.Tensor) =>
      tf.mean(tf.square(tf.sub(tf.matMul(x as tf.Tensor2D, v as tf.Tensor2D), 1))),
    )([w]);
    const velocity = tf.add(tf.mul(momentum, 0.9), grads[0]);
    return { state: { w: tf.sub(w, tf.mul(velocity, rate)), momentum: velocity }, output: { loss: value } };
  };
  const state = { w: gaussian('w', 3, 1), momentum: gaussian('zero', 3, 1) };
  const input = { x: gaussian('x', 8, 3), rate: { shape: [], data: Float32Array.of(0.05) } };

  test('carries from step to step as in eager execution', () => compare(step, state, input, 25));

  test.each([0, 1, 2])('of which either entry is replaced, after %i runs', async (runs) => {
    const [actual, expected] = await Promise.all(
      [compiled, eager].map((engine) => engine.compile(step, { state, input })),
    );
    const others: Arrays[] = [{ w: gaussian('other', 3, 1) }, { momentum: gaussian('another', 3, 1) }];
    for (const written of others) {
      for (const step of [actual, expected]) {
        for (let index = 0; index < runs; index++) await step.run(input);
        await step.writeState(written);
      }
      expectClose(await actual.readState(), await expected.readState());
    }
    expectClose(await actual.run(input), await expected.run(input));
    expectClose(await actual.readState(), await expected.readState());
  });

  test.each([
    ['a value of its own', gaussian('before', 3, 1)],
    ['that value', state.w],
  ])('of which one entry takes the old value of another, and begins with %s', (_, before) =>
    compare(
      ({ w, before }) => {
        const next = tf.mul(w, 0.5);
        return { state: { w: next, before: w }, output: { product: tf.sum(tf.mul(tf.exp(next), before)) } };
      },
      { w: state.w, before },
      {},
      5,
    ),
  );

  test('can be read, replaced and continued', async () => {
    const a = await compiled.compile(step, { state, input });
    for (let index = 0; index < 3; index++) await a.run(input);
    const saved = await a.readState();
    const b = await compiled.compile(step, { state, input });
    await b.writeState(saved);
    expect(await b.run(input)).toEqual(await a.run(input));
    await a.dispose();
    await b.dispose();
  });
});
