import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { encodeModel, type GraphSpec } from '../converters/encode.js';
import {
  bfloat16ToFloat32,
  float16ToFloat32,
  float32ToBfloat16,
  float32ToFloat16,
} from '../converters/half.js';
import type { Tensor } from '../converters/model.js';
import { decodeModel, readModel } from '../converters/read.js';
import { toRunnable } from '../converters/runnable.js';
import { onnx } from '../converters/schema/onnx.js';
import { createRandom } from '../src/random.js';
import { recoverModel } from '../src/recover-model.js';
import { runModel } from '../src/verify/run-model.js';
import { TINY_PRESET } from './support/tiny-preset.js';
import { tinyTeacherSpec } from './support/tiny-teacher.js';

const folder = mkdtempSync(join(tmpdir(), 'precision-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

type Precision = 'float16' | 'bfloat16' | 'double';

/** The digits of a double that float32 has not. */
const DIGITS = 1 + 2 ** -40;

const ROUND: Record<Precision, (values: Float32Array) => Float32Array> = {
  float16: (values) => float16ToFloat32(float32ToFloat16(values)),
  bfloat16: (values) => bfloat16ToFloat32(float32ToBfloat16(values)),
  double: (values) => values,
};

/** The tiny teacher with all of its weights, its input and its output of one type. */
function teacherOf(type: Precision): GraphSpec {
  const spec = tinyTeacherSpec();
  const convert = ({ dims, data }: Tensor): Tensor => ({
    type,
    dims,
    data: type === 'double' ? Float64Array.from(data as Float32Array, (x) => x * DIGITS) : data,
  });
  return {
    ...spec,
    // bfloat16 came to Conv with 22.
    opset: type === 'bfloat16' ? 22 : 15,
    irVersion: 10,
    initializers: new Map([...spec.initializers].map(([name, tensor]) => [name, convert(tensor)])),
    inputs: spec.inputs.map((value) => ({ ...value, type })),
    outputs: spec.outputs.map((value) => ({ ...value, type })),
  };
}

/** The same file with its numbers in the typed field instead of raw_data. */
function storeTyped(bytes: Uint8Array): Uint8Array {
  const model = onnx.ModelProto.decode(bytes);
  for (const tensor of model.graph!.initializer!) {
    const raw = new Uint8Array(tensor.rawData!).buffer;
    if (tensor.dataType === onnx.TensorProto.DataType.DOUBLE) tensor.doubleData = [...new Float64Array(raw)];
    else tensor.int32Data = [...new Uint16Array(raw)];
    tensor.rawData = null;
  }
  return onnx.ModelProto.encode(model).finish();
}

const storageOf = (bytes: Uint8Array) =>
  onnx.ModelProto.decode(bytes).graph!.initializer!.map((tensor) => ({
    name: tensor.name,
    type: tensor.dataType,
    raw: tensor.rawData?.length ?? 0,
    typed: (tensor.int32Data?.length ?? 0) + (tensor.doubleData?.length ?? 0),
  }));

describe.each<Precision>(['float16', 'bfloat16', 'double'])('a teacher of %s', (type) => {
  test.each(['raw', 'typed'])('goes through the whole job in its own type, %s data', async (storage) => {
    const input = join(folder, `${type}-${storage}.onnx`);
    const output = join(folder, `${type}-${storage}-student.onnx`);
    const raw = encodeModel(teacherOf(type));
    const bytes = storage === 'raw' ? raw : storeTyped(raw);
    writeFileSync(input, bytes);
    const { sparsity, parity } = await recoverModel(input, output, {
      preset: TINY_PRESET,
      preprocess: 'unit',
      sparsity: 0.5,
    });

    const written = readFileSync(output);
    expect(storageOf(written)).toEqual(storageOf(bytes));
    const { initializers } = decodeModel(written).graph;
    const weights = ['first.weight', 'second.weight', 'linear.weight'].map(
      (name) => initializers.get(name)!.data as Float32Array,
    );
    const total = weights.reduce((sum, data) => sum + data.length, 0);
    const zeros = weights.reduce((sum, data) => sum + data.filter((value) => value === 0).length, 0);
    expect(zeros).toBeGreaterThanOrEqual(Math.floor(total / 2));
    expect(sparsity.achieved).toBe(zeros / total);
    // Training did change the weights, which float16 holds to 11 bits; logits of the tiny teacher are below 8.
    expect(weights[0]).not.toEqual(decodeModel(bytes).graph.initializers.get('first.weight')!.data);
    expect(parity.maxAbsDiff).toBeLessThan(type === 'float16' ? 0.02 : 1e-4);
  });

  test('is for onnxruntime what float32 is with the same, rounded, weights', async () => {
    const spec = teacherOf(type);
    const float = (tensor: Tensor): Tensor => ({
      ...tensor,
      type: 'float',
      data: ROUND[type](Float32Array.from(tensor.data, Number)),
    });
    const asFloat = (values: GraphSpec['inputs']) =>
      values.map((value) => ({ ...value, type: 'float' as const }));
    const reference = encodeModel({
      ...spec,
      initializers: new Map([...spec.initializers].map(([name, tensor]) => [name, float(tensor)])),
      inputs: asFloat(spec.inputs),
      outputs: asFloat(spec.outputs),
    });
    const images = { shape: [4, 3, 8, 8], data: ROUND[type](createRandom(3).gaussian(4 * 192)) };
    const expected = await runModel(reference, images);
    const actual = await runModel(toRunnable(decodeModel(encodeModel(spec))), images);
    const largest = Math.max(...expected.data.map(Math.abs));
    const allowed = type === 'float16' ? 2 ** -8 * largest : 0;
    const difference = Math.max(...actual.data.map((value, i) => Math.abs(value - expected.data[i])));
    expect(largest).toBeGreaterThan(0.5);
    expect(difference).toBeLessThanOrEqual(allowed);
  });
});

test('doubles that pruning leaves keep the digits that float32 has not', async () => {
  const input = join(folder, 'digits.onnx');
  const output = join(folder, 'digits-student.onnx');
  writeFileSync(input, encodeModel(teacherOf('double')));
  await recoverModel(input, output, {
    preset: TINY_PRESET,
    preprocess: 'unit',
    sparsity: 0.5,
    recover: false,
  });
  const before = (await readModel(input)).graph.initializers.get('second.weight')!.data as Float64Array;
  const after = (await readModel(output)).graph.initializers.get('second.weight')!.data as Float64Array;
  expect([...after].every((value, i) => value === 0 || value === before[i])).toBe(true);
  expect(after.filter((value) => value !== Math.fround(value)).length).toBeGreaterThan(100);
});

test('weights beyond float32 are refused', async () => {
  const spec = teacherOf('double');
  const bias: Tensor = { type: 'double', dims: [4], data: Float64Array.of(1, 2, 3, 1e300) };
  const input = join(folder, 'huge.onnx');
  writeFileSync(
    input,
    encodeModel({ ...spec, initializers: new Map([...spec.initializers, ['linear.bias', bias]]) }),
  );
  await expect(recoverModel(input, join(folder, 'x.onnx'), { preset: TINY_PRESET })).rejects.toMatchObject({
    code: 'E_UNSUPPORTED',
    message: expect.stringContaining('beyond float32') as string,
  });
});
