import { existsSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { encodeModel, type GraphSpec } from '../converters/encode.js';
import { decodeModel, readModel } from '../converters/read.js';
import { bakeStudent } from '../src/bake/bake.js';
import { loadOnnxRuntime } from '../src/engine/onnxruntime/runtime.js';
import { lowerModel } from '../src/network/lower.js';
import type { Network } from '../src/network/network.js';
import { copyTeacher, type Student } from '../src/student.js';
import { float, linearModel } from './support/models.js';

const RESNET20 = new URL('../../shared/teachers/resnet20.onnx', import.meta.url).pathname;

/** y = (BN(BN(x)) w), two batch norms with one tensor for scale, mean and, through Identity, variance. */
function sharingModel(): GraphSpec {
  const bn = (name: string, input: string, output: string, variance: string) => ({
    opType: 'BatchNormalization',
    name,
    inputs: [input, 'one', 'offset', 'one', variance],
    outputs: [output],
    attributes: { epsilon: { float: 0 } },
  });
  return {
    ...linearModel(),
    nodes: [
      { opType: 'Identity', inputs: ['one'], outputs: ['alias'] },
      bn('bn1', 'x', 'a', 'one'),
      bn('bn2', 'a', 'b', 'alias'),
      { opType: 'MatMul', name: 'fc', inputs: ['b', 'w'], outputs: ['y'] },
    ],
    initializers: new Map([
      ['one', float([2], [1, 1])],
      ['offset', float([2], [0, 0.5])],
      ['w', float([2, 3], [1, -2, 3, -4, 5, -6])],
    ]),
  };
}

function bakeInto(spec: GraphSpec, change: (student: Student, network: Network) => Student) {
  const model = decodeModel(encodeModel(spec));
  const network = lowerModel(model, { batch: 1 });
  return { model, network, ...bakeStudent(model, change(copyTeacher(network), network), network) };
}

async function run(bytes: Uint8Array, x: readonly number[]): Promise<number[]> {
  const ort = loadOnnxRuntime();
  const session = await ort.InferenceSession.create(bytes);
  const { y } = await session.run({ x: new ort.Tensor('float32', Float32Array.from(x), [1, 2]) });
  return [...(y.data as Float32Array)];
}

/** [b0, b1] times the w of the models here. */
const timesW = ([b0, b1]: readonly number[]) => [b0 - 4 * b1, -2 * b0 + 5 * b1, 3 * b0 - 6 * b1];

const withWeights = (student: Student, changes: Record<string, readonly number[]>): Student => {
  const changed = Object.entries(changes).map(([name, data]) => [name, Float32Array.from(data)] as const);
  return { ...student, weights: new Map([...student.weights, ...changed]) };
};

test('the teacher as a student is the file itself', () => {
  const { model, bytes } = bakeInto(sharingModel(), (student) => student);
  expect(bytes).toBe(model.bytes);
});

test('masked weights are +0.0, whatever the student holds there', () => {
  const masks = new Map([['w', Float32Array.of(0, 1, 0, 0, 1, 1)]]);
  const { bytes } = bakeInto(linearModel(), (student) => ({
    ...withWeights(student, { w: [-0, -2, -1e-9, NaN, 5, -0] }),
    masks,
  }));
  const { w, b } = Object.fromEntries(decodeModel(bytes).graph.initializers);
  expect([...w.data]).toEqual([0, -2, 0, 0, 5, -0]);
  expect(b.data).toEqual(Float32Array.of(0.5, 0.25, -0.125));
});

describe('constants shared by the file', () => {
  test('each use keeps its own values when any of them changes', async () => {
    const { network, bytes } = bakeInto(sharingModel(), (student, { batchNorms }) => {
      const [first, second] = batchNorms;
      return withWeights(student, {
        [first.scale]: [2, 3],
        [second.mean]: [4, 5],
        [second.variance]: [4, 0.25],
      });
    });
    expect(
      new Set(network.batchNorms.flatMap(({ scale, mean, variance }) => [scale, mean, variance])).size,
    ).toBe(6);
    const [x0, x1] = [3, -2];
    const a = [(x0 - 1) * 2, (x1 - 1) * 3 + 0.5];
    const b = [(a[0] - 4) / 2, (a[1] - 5) / 0.5 + 0.5];
    expect(await run(bytes, [x0, x1])).toEqual(timesW(b));
  });

  test('one use that changes is the only one that gets a constant of its own', async () => {
    const { network, bytes } = bakeInto(sharingModel(), (student, { batchNorms }) => {
      const [, second] = batchNorms;
      return withWeights(student, { [second.offset]: [0, 10] });
    });
    const { graph } = decodeModel(bytes);
    expect([...graph.initializers.keys()]).toEqual(['one', 'offset', 'w', network.batchNorms[1].offset]);
    expect(graph.nodes.map(({ inputs }) => inputs[2])).toEqual([
      undefined,
      'offset',
      network.batchNorms[1].offset,
      undefined,
    ]);
    const a = [1 - 1, 1 - 1 + 0.5];
    const b = [a[0] - 1, a[1] - 1 + 10];
    expect(await run(bytes, [1, 1])).toEqual(timesW(b));
  });
});

test.skipIf(!existsSync(RESNET20))(
  'ResNet-20 of ../shared: only what changed changes (skipped without it)',
  async () => {
    const model = await readModel(RESNET20);
    const network = lowerModel(model, { batch: 1 });
    const student = copyTeacher(network);
    expect(bakeStudent(model, student, network).bytes).toBe(model.bytes);

    const [name] = network.prunable;
    const mask = student.weights.get(name)!.map((_, i) => i % 2);
    const { bytes } = bakeStudent(model, { ...student, masks: new Map([[name, mask]]) }, network);
    expect(bytes).toHaveLength(model.bytes.length);
    const differing = bytes.reduce((count, byte, i) => count + (byte === model.bytes[i] ? 0 : 1), 0);
    expect(differing).toBeGreaterThan(mask.length);
    expect(differing).toBeLessThanOrEqual((mask.length / 2) * 4);
    const baked = decodeModel(bytes).graph.initializers;
    for (const [key, { data }] of model.graph.initializers) {
      const expected =
        key === name ? (data as Float32Array).map((value, i) => (i % 2 === 0 ? 0 : value)) : data;
      expect(baked.get(key)!.data).toEqual(expected);
    }
  },
);
