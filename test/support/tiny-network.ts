import type * as tfjs from '@tensorflow/tfjs-core';
import type { Tf } from '../../converters/ops/define-op.js';
import type { BatchNorm, ForwardOptions, Layer, Network, Parameter } from '../../src/network/network.js';
import { createRandom } from '../../src/random.js';

const EPSILON = 1e-5;
const LAYERS = [
  { name: 'conv1', inputs: 3, outputs: 4 },
  { name: 'conv2', inputs: 4, outputs: 5 },
];

/**
 * A network written by hand for tests of the methods: 8x8 images, two 3x3 convolutions with batch norm and ReLU,
 * the mean over the image, three classes. Its statistics are of no particular data.
 */
export function createTinyNetwork(batch: number, seed = 0): Network {
  const parameters = createParameters(seed);
  const batchNorms: BatchNorm[] = LAYERS.map(({ name, outputs }) => ({
    name: `${name}.bn`,
    input: `${name}.output`,
    output: `${name}.normalized`,
    channels: outputs,
    epsilon: EPSILON,
    scale: `${name}.scale`,
    offset: `${name}.offset`,
    mean: `${name}.mean`,
    variance: `${name}.variance`,
  }));

  function forward(
    tf: Tf,
    given: Readonly<Record<string, tfjs.Tensor>>,
    input: tfjs.Tensor,
    { batchNorm = 'running', momentum = 0.9 }: ForwardOptions = {},
  ) {
    const values = new Map<string, tfjs.Tensor>([['input', input]]);
    const statistics: Record<string, tfjs.Tensor> = {};
    const parameter = (name: string) => {
      const { data, dims } = parameters.get(name)!;
      return given[name] ?? tf.tensor(data, [...dims]);
    };
    const perChannel = (x: tfjs.Tensor) => tf.reshape(x, [1, -1, 1, 1]);

    let x = input;
    for (const norm of batchNorms) {
      const layer = norm.name.slice(0, -'.bn'.length);
      x = convolve(tf, x, parameter(`${layer}.weight`));
      values.set(norm.input, x);
      let mean = parameter(norm.mean);
      let variance = parameter(norm.variance);
      if (batchNorm === 'batch') {
        const moments = tf.moments(x, [0, 2, 3]);
        statistics[norm.mean] = tf.add(tf.mul(mean, momentum), tf.mul(moments.mean, 1 - momentum));
        statistics[norm.variance] = tf.add(
          tf.mul(variance, momentum),
          tf.mul(moments.variance, 1 - momentum),
        );
        ({ mean, variance } = moments);
      }
      const deviation = tf.sqrt(tf.add(perChannel(variance), EPSILON));
      x = tf.div(tf.sub(x, perChannel(mean)), deviation);
      x = tf.add(tf.mul(x, perChannel(parameter(norm.scale))), perChannel(parameter(norm.offset)));
      values.set(norm.output, x);
      x = tf.relu(x);
      values.set(`${layer}.activated`, x);
    }
    const pooled = tf.mean(x, [2, 3]);
    values.set('pooled', pooled);
    const product = tf.matMul(pooled, parameter('linear.weight'), false, true);
    const logits = tf.add(product, parameter('linear.bias'));
    values.set('pooled', pooled).set('logits', logits);
    return { logits, values, statistics };
  }

  return {
    batch,
    input: { name: 'input', shape: [batch, 3, 8, 8], layout: 'NCHW' },
    output: { name: 'logits', logits: 'logits', features: 'pooled', activation: null, classes: 3 },
    parameters,
    batchNorms,
    prunable: ['conv1.weight', 'conv2.weight', 'linear.weight'],
    layers: createLayers(),
    forward,
  };
}

function createLayers(): Layer[] {
  const along = {
    input: 8,
    kernel: 3,
    stride: 1,
    dilation: 1,
    begin: 1,
    end: 1,
    extra: 0,
    output: 8,
  };
  const axes = { outputAxis: 0, inputAxis: 1, group: 1, plain: true };
  return [
    {
      ...axes,
      weight: 'conv1.weight',
      bias: undefined,
      input: 'input',
      output: 'conv1.output',
      window: [along, along],
    },
    {
      ...axes,
      weight: 'conv2.weight',
      bias: undefined,
      input: 'conv1.activated',
      output: 'conv2.output',
      window: [along, along],
    },
    {
      ...axes,
      weight: 'linear.weight',
      bias: 'linear.bias',
      input: 'pooled',
      output: 'logits',
      window: undefined,
    },
  ];
}

/** 3x3, stride 1, zero padding 1; x [batch, channels, height, width], weight [outputs, inputs, 3, 3]. */
function convolve(tf: Tf, x: tfjs.Tensor, weight: tfjs.Tensor): tfjs.Tensor {
  const image = tf.transpose<tfjs.Tensor4D>(x as tfjs.Tensor4D, [0, 2, 3, 1]);
  const filter = tf.transpose<tfjs.Tensor4D>(weight as tfjs.Tensor4D, [2, 3, 1, 0]);
  return tf.transpose(tf.conv2d(image, filter, 1, 'same'), [0, 3, 1, 2]);
}

function createParameters(seed: number): Map<string, Parameter> {
  const random = createRandom(seed).split('tiny-network');
  const parameters = new Map<string, Parameter>();
  const add = (name: string, dims: number[], role: Parameter['role'], make: (noise: number) => number) => {
    const size = dims.reduce((product, dim) => product * dim, 1);
    parameters.set(name, {
      name,
      type: 'float',
      source: name,
      consumers: [],
      dims,
      role,
      data: random.gaussian(size).map(make),
    });
  };
  for (const { name, inputs, outputs } of LAYERS) {
    add(`${name}.weight`, [outputs, inputs, 3, 3], 'weight', (x) => x / Math.sqrt(4.5 * inputs));
    add(`${name}.scale`, [outputs], 'scale', (x) => 1 + 0.2 * x);
    add(`${name}.offset`, [outputs], 'offset', (x) => 0.2 * x);
    add(`${name}.mean`, [outputs], 'mean', (x) => 0.3 * x);
    add(`${name}.variance`, [outputs], 'variance', (x) => Math.exp(0.3 * x));
  }
  add('linear.weight', [3, 5], 'weight', (x) => x);
  add('linear.bias', [3], 'bias', (x) => 0.1 * x);
  return parameters;
}
