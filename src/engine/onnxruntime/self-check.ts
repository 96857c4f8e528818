/** A small training step, computed on a device and on the cpu. */
import * as tf from '@tensorflow/tfjs-core';
import { createRandom } from '../../random.js';
import type { Device, SelfCheck } from '../device.js';
import type { Arrays, HostTensor, Step } from '../engine.js';
import { createOnnxRuntimeEngine } from './index.js';

const TOLERANCE = 1e-3;
const STEPS = 3;
const BATCH = 4;

const random = createRandom(0).split('self-check');
const noise = (name: string, shape: readonly number[], scale = 1): HostTensor => ({
  shape,
  data: random
    .split(name)
    .gaussian(shape.reduce((product, size) => product * size, 1))
    .map((value) => value * scale),
});

const WEIGHTS: Arrays = {
  first: noise('first', [3, 3, 3, 8], 0.3),
  second: noise('second', [3, 3, 8, 16], 0.2),
  linear: noise('linear', [16, 5]),
};

/** Two convolutions, one of them strided, max pooling and a linear layer, forwards and backwards, and an update. */
const step: Step = (weights, { images, targets }) => {
  const names = Object.keys(weights);
  const { value, grads } = tf.valueAndGrads((...tensors: tf.Tensor[]) => {
    const [first, second, linear] = tensors;
    const a = tf.relu(tf.conv2d(images as tf.Tensor4D, first as tf.Tensor4D, 1, 'same'));
    const b = tf.relu(tf.conv2d(tf.maxPool(a, 2, 2, 'valid'), second as tf.Tensor4D, 2, 'same'));
    const logits = tf.matMul(tf.mean(b, [1, 2]), linear);
    return tf.neg(tf.mean(tf.sum(tf.mul(targets, tf.logSoftmax(logits)), 1)));
  })(names.map((name) => weights[name]));
  const updated = names.map((name, i) => [name, tf.sub(weights[name], tf.mul(grads[i], 0.1))]);
  return { state: Object.fromEntries(updated) as Record<string, tf.Tensor>, output: { loss: value } };
};

/** Throws what onnxruntime throws where the device cannot be started. */
export async function selfCheck(device: Device): Promise<SelfCheck> {
  const expected = await runSteps('cpu');
  const actual = await runSteps(device);
  let maxDifference = 0;
  for (const [name, { data }] of Object.entries(expected)) {
    data.forEach((value, i) => {
      const difference = Math.abs(actual[name].data[i] - value) / (Math.abs(value) + 0.01);
      // Math.max keeps a NaN once it met one.
      maxDifference = Math.max(maxDifference, difference);
    });
  }
  return { passed: maxDifference <= TOLERANCE, maxDifference };
}

async function runSteps(device: Device): Promise<Arrays> {
  const classes = Float32Array.from({ length: BATCH * 5 }, (_, i) => (i % 6 === 0 ? 1 : 0));
  const inputs = Array.from({ length: STEPS }, (_, i) => ({
    images: noise(`images/${i}`, [BATCH, 16, 16, 3]),
    targets: { shape: [BATCH, 5], data: classes },
  }));
  const compiled = await createOnnxRuntimeEngine({ device, threads: 1 }).compile(step, {
    state: WEIGHTS,
    input: inputs[0],
  });
  try {
    for (const input of inputs.slice(0, -1)) await compiled.run(input);
    const output = await compiled.run(inputs[STEPS - 1]);
    return { ...(await compiled.readState()), ...output };
  } finally {
    await compiled.dispose();
  }
}
