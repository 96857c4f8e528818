import { readFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { encodeModel, type GraphSpec } from '../converters/encode.js';
import type { Model, Tensor } from '../converters/model.js';
import { decodeModel } from '../converters/read.js';
import { toArrays } from '../src/classifier.js';
import type { ImageSource } from '../src/dream/image-source.js';
import type { Engine, HostTensor } from '../src/engine/engine.js';
import { lowerModel } from '../src/network/lower.js';
import type { Network } from '../src/network/network.js';
import { prune } from '../src/prune/prune.js';
import { createRandom } from '../src/random.js';
import { addBatchNorms, findFoldable, foldBatchNorms } from '../src/recover/virtual-batch-norm.js';
import { copyTeacher, measureSparsity, replaceWeights, type Student } from '../src/student.js';
import { createEagerEngine, toTensors } from './support/eager-engine.js';

const BATCH = 6;
let engine: Engine;
beforeAll(async () => {
  engine = await createEagerEngine();
});

const noise = (dims: number[], seed: number, offset = 0): Tensor => {
  const size = dims.reduce((product, dim) => product * dim, 1);
  return {
    type: 'float',
    dims,
    data: createRandom(seed)
      .gaussian(size)
      .map((x) => 0.4 * x + offset),
  };
};
const images: HostTensor = {
  shape: [BATCH, 3, 8, 8],
  data: createRandom(9).gaussian(BATCH * 192),
};
const source: ImageSource = { next: () => Promise.resolve(images) };

/** Convolutions with a bias, one of them in groups; two that share a weight, and one without bias. */
const SPEC: GraphSpec = {
  opset: 13,
  irVersion: 8,
  nodes: [
    { opType: 'Conv', inputs: ['x', 'k1', 'b1'], outputs: ['c1'], attributes: { pads: [1, 1, 1, 1] } },
    { opType: 'Relu', inputs: ['c1'], outputs: ['r1'] },
    { opType: 'Conv', inputs: ['r1', 'k2', 'b2'], outputs: ['c2'], attributes: { group: 2 } },
    { opType: 'Conv', inputs: ['c2', 'shared', 'b3'], outputs: ['c3'] },
    { opType: 'Conv', inputs: ['c3', 'shared', 'b4'], outputs: ['c4'] },
    { opType: 'Conv', inputs: ['c4', 'k5'], outputs: ['c5'] },
    { opType: 'GlobalAveragePool', inputs: ['c5'], outputs: ['p'] },
    { opType: 'Flatten', inputs: ['p'], outputs: ['f'] },
    { opType: 'Gemm', inputs: ['f', 'w', 'b'], outputs: ['logits'] },
  ],
  initializers: new Map([
    ['k1', noise([4, 3, 3, 3], 1)],
    ['b1', noise([4], 2)],
    ['k2', noise([4, 2, 3, 3], 3)],
    ['b2', noise([4], 4)],
    ['shared', noise([4, 4, 1, 1], 5)],
    ['b3', noise([4], 6)],
    ['b4', noise([4], 7)],
    ['k5', noise([5, 4, 1, 1], 8)],
    ['w', noise([5, 3], 9)],
    ['b', noise([3], 10)],
  ]),
  inputs: [{ name: 'x', type: 'float', shape: ['batch', 3, 8, 8] }],
  outputs: [{ name: 'logits', type: 'float', shape: ['batch', 3] }],
};

function logits(network: Network, { weights }: Pick<Student, 'weights'> = { weights: new Map() }): number[] {
  const given = toTensors(toArrays(network, weights));
  return Array.from(network.forward(tf, given, toTensors({ images })['images']).logits.dataSync());
}

async function normalize(model: Model) {
  const network = lowerModel(model, { batch: BATCH });
  const convolutions = findFoldable(model, network);
  const options = { source, batch: BATCH, batches: 2, stage: 'calibrate' };
  const added = await addBatchNorms(engine, model, network, convolutions, options);
  const normalized = lowerModel(added, { batch: BATCH });
  const fold = (student: Student) => foldBatchNorms(network, convolutions, normalized, student);
  return { network, convolutions, normalized, fold };
}

function expectClose(actual: readonly number[], expected: readonly number[], tolerance = 1e-4): void {
  expect(actual).toHaveLength(expected.length);
  const largest = Math.max(...expected.map(Math.abs));
  actual.forEach((value, i) => {
    expect(Math.abs(value - expected[i])).toBeLessThan(tolerance * largest);
  });
}

describe('batch norm behind convolutions', () => {
  const model = decodeModel(encodeModel(SPEC));

  test('goes where it can be folded back: a weight and a bias that nothing else reads', async () => {
    const { convolutions, normalized } = await normalize(model);
    expect(convolutions).toEqual([
      { output: 'c1', weight: 'k1', bias: 'b1' },
      { output: 'c2', weight: 'k2', bias: 'b2' },
    ]);
    expect(normalized.batchNorms.map(({ output }) => output)).toEqual(['c1', 'c2']);
    expect(normalized.prunable).toEqual(lowerModel(model, { batch: BATCH }).prunable);
  });

  test('changes nothing, normalises by the statistics of the images, and makes filters of length 1', async () => {
    const { network, normalized } = await normalize(model);
    expectClose(logits(normalized), logits(network));
    const { values } = normalized.forward(tf, {}, toTensors({ images })['images']);
    for (const norm of normalized.batchNorms) {
      const { mean, variance } = tf.moments(values.get(norm.input)!, [0, 2, 3]);
      const stored = (name: string) => Array.from(normalized.parameters.get(name)!.data);
      expectClose(Array.from(mean.dataSync()), stored(norm.mean));
      expectClose(Array.from(variance.dataSync()), stored(norm.variance));
    }
    const { data } = normalized.parameters.get('k2')!;
    for (let c = 0; c < 4; c++) expect(Math.hypot(...data.subarray(c * 18, c * 18 + 18))).toBeCloseTo(1, 5);
  });

  test('folds back into what the file held', async () => {
    const { network, normalized, fold } = await normalize(model);
    const folded = fold(copyTeacher(normalized));
    for (const [name, data] of folded.weights) {
      expectClose(Array.from(data), Array.from(network.parameters.get(name)!.data));
    }
    expect([...folded.weights.keys()].sort()).toEqual([...network.parameters.keys()].sort());
  });

  test('folds back whatever became of weights, scales, offsets and statistics; zeros stay', async () => {
    const { network, normalized, fold } = await normalize(model);
    const pruned = prune(normalized, { sparsity: 0.5 });
    const changed = Array.from(pruned.weights, ([name, data], i): [string, Float32Array] => {
      const random = createRandom(i).gaussian(data.length);
      const isVariance = normalized.parameters.get(name)!.role === 'variance';
      return [name, data.map((x, j) => (isVariance ? x * Math.exp(random[j]) : x + random[j]))];
    });
    const student = replaceWeights(pruned, new Map(changed));
    const folded = fold(student);
    expectClose(logits(network, folded), logits(normalized, student));
    expect(measureSparsity(network, folded)).toBeCloseTo(measureSparsity(normalized, student), 6);
    for (const [name, mask] of folded.masks) {
      const values = folded.weights.get(name)!;
      expect(values.every((value, i) => mask[i] !== 0 || Object.is(value, 0))).toBe(true);
    }
  });

  test('a filter of zeros and a channel that never changes are no obstacle', async () => {
    const zeros = {
      ...noise([4, 3, 3, 3], 1),
      data: (noise([4, 3, 3, 3], 1).data as Float32Array).fill(0, 0, 27),
    };
    const initializers = new Map(SPEC.initializers).set('k1', zeros);
    const { network, normalized, fold } = await normalize(
      decodeModel(encodeModel({ ...SPEC, initializers })),
    );
    expectClose(logits(normalized), logits(network));
    expectClose(logits(network, fold(copyTeacher(normalized))), logits(network));
  });

  test.each(['resnet8', 'mobilenetv2'])(
    '%s folded by PyTorch gets it everywhere and computes the same',
    async (name) => {
      const path = new URL(`../fixtures/teachers/${name}-folded.onnx`, import.meta.url);
      const folded = decodeModel(readFileSync(path));
      const network = lowerModel(folded, { batch: 2 });
      const convolutions = findFoldable(folded, network);
      const pixels = { shape: [2, 3, 32, 32], data: createRandom(1).gaussian(2 * 3072) };
      const options = {
        source: { next: () => Promise.resolve(pixels) },
        batch: 2,
        batches: 1,
        stage: 'calibrate',
      };
      const normalized = lowerModel(await addBatchNorms(engine, folded, network, convolutions, options), {
        batch: 2,
      });
      expect(normalized.batchNorms).toHaveLength(name === 'resnet8' ? 8 : 22);
      const run = (which: Network) =>
        Array.from(which.forward(tf, {}, toTensors({ pixels })['pixels']).logits.dataSync());
      expectClose(run(normalized), run(network), 1e-3);
    },
  );
});
