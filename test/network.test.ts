import '#tfjs-gradients';
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { existsSync, readdirSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { encodeModel, type GraphSpec, type NodeSpec } from '../converters/encode.js';
import type { Tensor } from '../converters/model.js';
import { decodeModel, readModel } from '../converters/read.js';
import type { Step } from '../src/engine/engine.js';
import { createOnnxRuntimeEngine } from '../src/engine/onnxruntime/index.js';
import { lowerModel } from '../src/network/lower.js';
import type { LowerOptions } from '../src/network/prepare.js';
import { runModel } from '../src/verify/run-model.js';
import { floats, ints } from './support/operator-cases.js';
import { expectClose } from './support/run-graph.js';

const OWN = new URL('../fixtures/teachers/', import.meta.url);
const SHARED = new URL('../../shared/teachers/', import.meta.url);

function teachersIn(folder: URL): { file: string; path: string }[] {
  const files = existsSync(folder) ? readdirSync(folder).sort() : [];
  return files
    .filter((file) => file.endsWith('.onnx'))
    .map((file) => ({ file, path: new URL(file, folder).pathname }));
}

const TEACHERS = [...teachersIn(OWN), ...teachersIn(SHARED)];

beforeAll(async () => {
  await tf.setBackend('cpu');
});

describe.skipIf(TEACHERS.length === 0)('forward agrees with onnxruntime on real teachers', () => {
  test.each(TEACHERS)('$file', async ({ path }) => {
    const network = lowerModel(await readModel(path), { batch: 2 });
    const { data } = floats(network.input.shape);
    const shape = [...network.input.shape];
    const expected = await runModel(path, { shape, data: data as Float32Array }, { threads: 1 });
    const { logits } = network.forward(tf, {}, tf.tensor(data as Float32Array, shape));
    const actual = { type: 'float' as const, dims: logits.shape, data: logits.dataSync() as Float32Array };
    expectClose(actual, { type: 'float', dims: expected.shape, data: expected.data }, 1e-3, 1e-5);
  });
});

const RESNET20 = new URL('resnet20.onnx', SHARED);

describe.skipIf(!existsSync(RESNET20))('ResNet-20 (needs ../shared)', () => {
  test('has the parameters of the paper', async () => {
    const network = lowerModel(await readModel(RESNET20.pathname), { batch: 1 });
    const weights = network.prunable.map((name) => network.parameters.get(name)!);
    expect(weights).toHaveLength(20);
    // He et al., arXiv 1512.03385, table 6: 0.27M.
    const trained = [...network.parameters.values()].filter(
      ({ role }) => !['mean', 'variance'].includes(role),
    );
    expect(trained.reduce((sum, { data }) => sum + data.length, 0)).toBe(269_722);
    expect(network.batchNorms.map(({ channels }) => channels)).toEqual([
      ...Array<number>(7).fill(16),
      ...Array<number>(6).fill(32),
      ...Array<number>(6).fill(64),
    ]);
    expect(network.output).toMatchObject({ name: 'logits', classes: 10 });
  });

  test('every trained parameter gets a finite gradient that is not zero', async () => {
    const network = lowerModel(await readModel(RESNET20.pathname), { batch: 2 });
    const trained = [...network.parameters.values()].filter(
      ({ role }) => !['mean', 'variance'].includes(role),
    );
    const step: Step = (state, { x }) => {
      const gradients = tf.grads((...xs: tf.Tensor[]) => {
        const parameters = Object.fromEntries(trained.map(({ name }, i) => [name, xs[i]]));
        return tf.mean(tf.square(network.forward(tf, parameters, x, { batchNorm: 'batch' }).logits));
      })(trained.map(({ name }) => state[name]));
      return { state, output: Object.fromEntries(trained.map(({ name }, i) => [name, gradients[i]])) };
    };
    const state = Object.fromEntries(trained.map(({ name, data, dims }) => [name, { data, shape: dims }]));
    const shape = network.input.shape;
    const input = { x: { data: floats(shape).data as Float32Array, shape } };
    const compiled = await createOnnxRuntimeEngine({ threads: 1 }).compile(step, { state, input });
    const gradients = Object.entries(await compiled.run(input));
    await compiled.dispose();
    expect(gradients).toHaveLength(19 * 3 + 2);
    for (const [name, { data }] of gradients) {
      expect(data.every(Number.isFinite), name).toBe(true);
      expect(
        data.some((value) => value !== 0),
        name,
      ).toBe(true);
    }
  });
});

function node(
  opType: string,
  inputs: string[],
  output: string,
  attributes: NodeSpec['attributes'] = {},
): NodeSpec {
  return { opType, name: output, inputs, outputs: [output], attributes };
}

function lower(
  nodes: NodeSpec[],
  initializers: Record<string, Tensor>,
  {
    batch = 2,
    shape = ['batch', 2, 4, 4],
    ...options
  }: Partial<LowerOptions> & { shape?: (string | number)[] } = {},
) {
  const spec: GraphSpec = {
    opset: 17,
    irVersion: 8,
    nodes,
    initializers: new Map(Object.entries(initializers)),
    inputs: [{ name: 'x', type: 'float', shape }],
    outputs: [{ name: nodes.at(-1)!.outputs[0], type: 'float', shape: ['batch', 3] }],
  };
  return lowerModel(decodeModel(encodeModel(spec)), { batch, ...options });
}

const POOL_AND_FLATTEN = (input: string): NodeSpec[] => [
  node('GlobalAveragePool', [input], 'pooled'),
  node('Flatten', ['pooled'], 'features'),
];

describe('output', () => {
  const linear = [...POOL_AND_FLATTEN('x'), node('Gemm', ['features', 'w'], 'scores')];
  const weights = { w: floats([2, 3]) };

  test.each(['Softmax', 'LogSoftmax'])('a final %s comes after the logits', (opType) => {
    const network = lower([...linear, node(opType, ['scores'], 'y')], weights);
    const { logits, values } = network.forward(tf, {}, tf.ones([2, 2, 4, 4]));
    const ends = { name: 'y', logits: 'scores', features: 'features' };
    expect(network.output).toEqual({ ...ends, activation: opType, classes: 3 });
    expect(logits).toBe(values.get('scores'));
    const sums = tf.sum(opType === 'Softmax' ? values.get('y')! : tf.exp(values.get('y')!), 1).dataSync();
    for (const sum of sums) expect(sum).toBeCloseTo(1, 5);
  });

  test('features are what the last layer reads, over a bias of its own or a pooling after it', () => {
    const bias = [node('MatMul', ['features', 'w'], 'product'), node('Add', ['b', 'product'], 'y')];
    const matMul = lower([...POOL_AND_FLATTEN('x'), ...bias], { ...weights, b: floats([3]) });
    expect(matMul.output.features).toBe('features');
    const conv = [node('Relu', ['x'], 'positive'), node('Conv', ['positive', 'k'], 'maps')];
    const pooled = [node('GlobalAveragePool', ['maps'], 'pool'), node('Flatten', ['pool'], 'y')];
    expect(lower([...conv, ...pooled], { k: floats([3, 2, 1, 1]) }).output.features).toBe('positive');
    const direct = [node('Flatten', ['x'], 'flat'), node('Gemm', ['flat', 'd'], 'y')];
    expect(lower(direct, { d: floats([32, 3]) }).output.features).toBe('flat');
  });

  test('anything but [batch, classes] is no classifier', () => {
    expect(() => lower([node('Relu', ['x'], 'y')], {})).toThrow(/classes/);
    expect(() => lower(linear, { w: floats([2, 1]) })).toThrow(/at least 2 classes/);
  });

  test('all operators that are missing are named at once', () => {
    const nodes = [node('LSTM', ['x'], 'a'), node('NonZero', ['a'], 'b'), node('LSTM', ['b'], 'y')];
    expect(() => lower(nodes, {})).toThrow('LSTM (2), NonZero (1)');
  });
});

describe('parameters', () => {
  test('are what the file stores, not what folding makes of it', () => {
    const network = lower(
      [
        node('CastLike', ['zero', 'x'], 'cast'),
        node('Expand', ['cast', 'count'], 'zeros'),
        node('Conv', ['x', 'k', 'zeros'], 'a'),
        ...POOL_AND_FLATTEN('a'),
        node('Clip', ['features', '', 'six'], 'y'),
      ],
      {
        zero: { type: 'int64', dims: [], data: BigInt64Array.of(0n) },
        count: ints(3),
        k: floats([3, 2, 1, 1]),
        six: { type: 'float', dims: [], data: Float32Array.of(6) },
      },
    );
    expect([...network.parameters.keys()]).toEqual(['k']);
  });

  const shared = lower(
    [
      node('Conv', ['x', 'k1', 'zeros'], 'a'),
      node('BatchNormalization', ['a', 'ones', 'zeros', 'zeros', 'ones'], 'b'),
      node('Conv', ['b', 'k1', 'zeros'], 'c'),
      node('BatchNormalization', ['c', 'ones', 'zeros', 'm', 'v'], 'd'),
      ...POOL_AND_FLATTEN('d'),
      node('Transpose', ['w'], 'wt'),
      node('MatMul', ['features', 'wt'], 'product'),
      node('Add', ['product', 'offsets'], 'y'),
    ],
    {
      k1: floats([2, 2, 1, 1]),
      zeros: floats([2]),
      ones: { ...floats([2]), data: Float32Array.of(1, 1) },
      m: floats([2], 4),
      v: { ...floats([2]), data: Float32Array.of(1, 2) },
      w: floats([3, 2]),
      offsets: floats([3]),
    },
  );

  test('one tensor in several places is several parameters, a weight used twice stays one', () => {
    const found = [...shared.parameters.values()].map(({ name, role, source }) => ({ name, role, source }));
    expect(found).toContainEqual({ name: 'zeros', role: 'bias', source: 'zeros' });
    expect(found.filter(({ source }) => source === 'zeros').map(({ role }) => role)).toEqual([
      'bias',
      'offset',
      'mean',
      'bias',
      'offset',
    ]);
    expect(found.filter(({ source }) => source === 'k1')).toHaveLength(1);
    expect(shared.parameters.get('k1')!.consumers.map(({ output, input }) => [output, input])).toEqual([
      ['a', 1],
      ['c', 1],
    ]);
    expect(new Set(shared.batchNorms.flatMap((bn) => [bn.scale, bn.offset, bn.mean, bn.variance])).size).toBe(
      8,
    );
  });

  test('roles follow a weight through Transpose, and the bias of a MatMul to its Add', () => {
    expect(shared.prunable).toEqual(['k1', 'w']);
    expect(shared.parameters.get('offsets')!.role).toBe('bias');
  });

  test('the ones given replace those of the model, and only those', () => {
    const input = tf.tensor(floats([2, 2, 4, 4]).data as Float32Array, [2, 2, 4, 4]);
    const before = shared.forward(tf, {}, input).logits;
    const given = { offsets: tf.add(tf.tensor(shared.parameters.get('offsets')!.data), 1) };
    const difference = tf.sub(shared.forward(tf, given, input).logits, before);
    for (const value of difference.dataSync()) expect(value).toBeCloseTo(1, 5);
  });

  test('batch statistics update the running ones, each under its own name', () => {
    const input = tf.tensor(floats([2, 2, 4, 4]).data as Float32Array, [2, 2, 4, 4]);
    const { statistics, values } = shared.forward(tf, {}, input, { batchNorm: 'batch', momentum: 0.25 });
    expect(Object.keys(statistics).sort()).toEqual(
      shared.batchNorms.flatMap(({ mean, variance }) => [mean, variance]).sort(),
    );
    const { mean, variance } = tf.moments(values.get(shared.batchNorms[1].input)!, [0, 2, 3]);
    const old = floats([2], 4).data as Float32Array;
    mean.dataSync().forEach((value, i) => {
      expect(statistics['m'].dataSync()[i]).toBeCloseTo(0.25 * old[i] + 0.75 * value, 5);
    });
    variance.dataSync().forEach((value, i) => {
      expect(statistics['v'].dataSync()[i]).toBeCloseTo(0.25 * [1, 2][i] + 0.75 * value, 5);
    });
    expect(shared.forward(tf, {}, input).statistics).toEqual({});
  });
});

describe('input', () => {
  const nodes = [
    node('Concat', ['one', 'rest'], 'target', { axis: 0 }),
    node('Reshape', ['x', 'target'], 'rows'),
    node('Gemm', ['rows', 'w'], 'y'),
  ];
  const initializers = { one: ints(1), rest: ints(32), w: floats([32, 3]) };

  test('a Reshape that holds the batch of the export follows ours', async () => {
    const network = lower(nodes, initializers, { shape: [1, 2, 4, 4], batch: 3 });
    const { data } = floats([3, 2, 4, 4]);
    const { logits } = network.forward(tf, {}, tf.tensor(data as Float32Array, [3, 2, 4, 4]));
    const file = encodeModel({
      opset: 17,
      irVersion: 8,
      nodes,
      initializers: new Map(Object.entries(initializers)),
      inputs: [{ name: 'x', type: 'float', shape: [1, 2, 4, 4] }],
      outputs: [{ name: 'y', type: 'float', shape: [1, 3] }],
    });
    const expected = await runModel(
      file,
      { shape: [3, 2, 4, 4], data: data as Float32Array },
      { threads: 1 },
    );
    const actual = { type: 'float' as const, dims: logits.shape, data: logits.dataSync() as Float32Array };
    expectClose(actual, { type: 'float', dims: expected.shape, data: expected.data }, 1e-4, 1e-5);
  });

  test('an open size must be given', () => {
    const open = { shape: ['batch', 2, 'h', 'w'] };
    expect(() => lower([...POOL_AND_FLATTEN('x')], {}, open)).toThrow(/\[\?, 2, \?, \?\].*size is open/);
    const network = lower([...POOL_AND_FLATTEN('x')], {}, { ...open, inputShape: [2, 5, 6] });
    expect(network.input.shape).toEqual([2, 2, 5, 6]);
  });
});
