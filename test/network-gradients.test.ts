/** The dream and distillation losses of a small network and their gradients, against PyTorch's autograd. */
import * as tf from '@tensorflow/tfjs-core';
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { encodeModel, type GraphSpec } from '../converters/encode.js';
import { decodeModel } from '../converters/read.js';
import { batchNormDistance, crossEntropy } from '../src/dream/losses.js';
import type { Arrays, Engine, HostTensor, Step, Tensors } from '../src/engine/engine.js';
import { createOnnxRuntimeEngine } from '../src/engine/onnxruntime/index.js';
import { lowerModel } from '../src/network/lower.js';
import type { Network } from '../src/network/network.js';
import { differentiate } from '../src/optimise/gradients.js';
import { distillationLoss } from '../src/recover/losses.js';
import { createEagerEngine } from './support/eager-engine.js';

interface Encoded {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

interface Case {
  readonly op: string;
  readonly inputs: readonly Encoded[];
  readonly output: Encoded;
  readonly gradients: readonly (Encoded | null)[];
}

/** The order of a case's inputs (scripts/make_gradient_vectors.py, network_cases); the last only in DistillLoss. */
const NAMES = ['x', 'conv1', 'scale', 'offset', 'mean', 'variance', 'conv2', 'linear', 'bias', 'teacher'];
const WEIGHTS = ['conv1', 'scale', 'offset', 'conv2', 'linear', 'bias'];
const LABELS = [2, 0];
const BATCH_NORM_WEIGHT = 0.5;
const TEMPERATURE = 3;

const url = new URL('../fixtures/gradients/network.json', import.meta.url);
const { cases } = JSON.parse(readFileSync(url, 'utf8')) as { cases: Case[] };
let engines: readonly Engine[];

beforeAll(async () => {
  engines = [await createEagerEngine(), createOnnxRuntimeEngine({ threads: 1 })];
});

const toHost = ({ shape, data }: Encoded): HostTensor => ({ shape, data: Float32Array.from(data) });

function inputsOf({ inputs }: Case): Record<string, HostTensor> {
  return Object.fromEntries(inputs.map((input, i) => [NAMES[i], toHost(input)]));
}

/** conv 3x3, batch norm, relu, conv 3x3 stride 2, relu, mean over the image, linear. */
function createNetwork(values: Arrays): Network {
  const window = { kernel_shape: [3, 3], pads: [1, 1, 1, 1] };
  const batchNorm = ['scale', 'offset', 'mean', 'variance'];
  const spec: GraphSpec = {
    opset: 17,
    irVersion: 8,
    nodes: [
      { opType: 'Conv', inputs: ['x', 'conv1'], outputs: ['a'], attributes: window },
      { opType: 'BatchNormalization', inputs: ['a', ...batchNorm], outputs: ['b'] },
      { opType: 'Relu', inputs: ['b'], outputs: ['c'] },
      { opType: 'Conv', inputs: ['c', 'conv2'], outputs: ['d'], attributes: { ...window, strides: [2, 2] } },
      { opType: 'Relu', inputs: ['d'], outputs: ['e'] },
      { opType: 'GlobalAveragePool', inputs: ['e'], outputs: ['f'] },
      { opType: 'Flatten', inputs: ['f'], outputs: ['g'] },
      { opType: 'Gemm', inputs: ['g', 'linear', 'bias'], outputs: ['logits'], attributes: { transB: 1 } },
    ],
    initializers: new Map(
      [...WEIGHTS, 'mean', 'variance'].map((name) => {
        const { shape, data } = values[name];
        return [name, { type: 'float', dims: shape, data }];
      }),
    ),
    inputs: [{ name: 'x', type: 'float', shape: ['batch', 3, 6, 6] }],
    outputs: [{ name: 'logits', type: 'float', shape: ['batch', 3] }],
  };
  return lowerModel(decodeModel(encodeModel(spec)), { batch: 2 });
}

/** A step whose outputs are the loss and its gradients by input name. */
function gradientStep(loss: (xs: Tensors, input: Tensors) => tf.Tensor, names: readonly string[]): Step {
  return (_, input) => {
    const free = Object.fromEntries(names.map((name) => [name, input[name]]));
    const result = differentiate((xs) => ({ loss: loss(xs, input), outputs: {} }), free);
    return { state: {}, output: { loss: result.loss, ...result.gradients } };
  };
}

function dreamStep(network: Network): Step {
  const targets = LABELS.map((label) => [0, 1, 2].map((i) => (i === label ? 1 : 0)));
  return gradientStep(
    ({ x }) => {
      const activations = network.forward(tf, {}, x);
      const classification = crossEntropy(activations.logits, tf.tensor2d(targets));
      return tf.add(classification, tf.mul(batchNormDistance(network, activations), BATCH_NORM_WEIGHT));
    },
    ['x'],
  );
}

function distilStep(network: Network): Step {
  return gradientStep((weights, { x, teacher }) => {
    const { logits } = network.forward(tf, weights, x, { batchNorm: 'batch' });
    return distillationLoss(teacher, logits, TEMPERATURE);
  }, WEIGHTS);
}

/** To 1e-4 of the tensor's largest element: a sum of terms of that size cannot be more exact in float32. */
function expectClose(name: string, actual: HostTensor, { shape, data }: Encoded): void {
  expect(actual.shape, name).toEqual(shape);
  const scale = Math.max(...data.map(Math.abs));
  data.forEach((value, i) => {
    if (!(Math.abs(actual.data[i] - value) <= 1e-4 * scale)) {
      expect.fail(`${name}[${i}]: ${actual.data[i]} instead of ${value} (largest ${scale})`);
    }
  });
}

describe.each([
  { op: 'DreamLoss', createStep: dreamStep },
  { op: 'DistillLoss', createStep: distilStep },
])('$op', ({ op, createStep }) => {
  test('and its gradients equal those of PyTorch', async () => {
    const example = cases.find((candidate) => candidate.op === op)!;
    const input = inputsOf(example);
    const step = createStep(createNetwork(input));
    for (const engine of engines) {
      const compiled = await engine.compile(step, { state: {}, input });
      const output = await compiled.run(input);
      expectClose(`${engine.name} loss`, output['loss'], example.output);
      const expected = example.gradients.flatMap((gradient, i) =>
        gradient ? [[NAMES[i], gradient] as const] : [],
      );
      expect(expected.map(([name]) => name).sort()).toEqual(
        Object.keys(output)
          .filter((name) => name !== 'loss')
          .sort(),
      );
      for (const [name, gradient] of expected) expectClose(`${engine.name} d${name}`, output[name], gradient);
      await compiled.dispose();
    }
  });
});
