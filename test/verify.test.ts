import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { encodeModel } from '../converters/encode.js';
import { encodeNpy, type NpyArray } from '../src/npy.js';
import { evaluateModel, topClasses } from '../src/verify/evaluate.js';
import { assertParity, compareTensors } from '../src/verify/parity.js';
import { runModel } from '../src/verify/run-model.js';
import { verifyModels } from '../src/verify/verify-models.js';

const folder = mkdtempSync(join(tmpdir(), 'verify-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** y = x W over three channels of one pixel: small enough that every output is known on paper. */
function linearModel(weights: readonly number[], batch: number | string = 'batch', pixels = 1): Uint8Array {
  return encodeModel({
    opset: 13,
    irVersion: 8,
    nodes: [
      { opType: 'Flatten', inputs: ['x'], outputs: ['flat'], attributes: { axis: 1 } },
      { opType: 'MatMul', inputs: ['flat', 'W'], outputs: ['y'] },
    ],
    initializers: new Map([['W', { type: 'float', dims: [3, 3], data: Float32Array.from(weights) }]]),
    inputs: [{ name: 'x', type: 'float', shape: [batch, 3, pixels, 1] }],
    outputs: [{ name: 'y', type: 'float', shape: [batch, 3] }],
  });
}

const IDENTITY = [1, 0, 0, 0, 1, 0, 0, 0, 1];

function save(name: string, content: Uint8Array | NpyArray): string {
  const path = join(folder, name);
  writeFileSync(path, content instanceof Uint8Array ? content : encodeNpy(content));
  return path;
}

describe('runModel', () => {
  const count = 70;
  const images = {
    shape: [count, 3, 1, 1],
    data: Float32Array.from({ length: 3 * count }, (_, i) => i / 7 - 11),
  };

  test.each<number | string>(['batch', 1, 3, 64, 128])(
    'any count of images through a batch of %s',
    async (batch) => {
      const output = await runModel(linearModel(IDENTITY, batch), images);
      expect(output.shape).toEqual([count, 3]);
      expect(output.data).toEqual(images.data);
    },
  );

  test('refuses images of another shape, and what is no model', async () => {
    const wrong = { shape: [2, 3, 2, 1], data: new Float32Array(12) };
    await expect(runModel(linearModel(IDENTITY), wrong)).rejects.toMatchObject({ code: 'E_SHAPE' });
    await expect(runModel(new Uint8Array(100).fill(255), images)).rejects.toMatchObject({
      code: 'E_UNSUPPORTED',
    });
  });
});

describe('parity', () => {
  const tensor = (...data: number[]) => ({ shape: [data.length], data: Float32Array.from(data) });

  test('differences as numpy.allclose defines them', () => {
    // Powers of two, exact in float32: |4 - 4.00390625| = 2^-8, and 2^-8 / (4 + 0.01) < 1e-3.
    const parity = compareTensors(tensor(4, 0), tensor(4.00390625, 0));
    expect(parity.maxAbsDiff).toBe(2 ** -8);
    expect(parity.maxRelDiff).toBeCloseTo(2 ** -8 / 4.01, 12);
    expect(parity.equal).toBe(true);
    expect(compareTensors(tensor(4, 0), tensor(4.0078125, 0)).equal).toBe(false);
  });

  test('near zero atol decides alone', () => {
    expect(compareTensors(tensor(0), tensor(0.9e-5)).equal).toBe(true);
    expect(compareTensors(tensor(0), tensor(1.1e-5)).equal).toBe(false);
  });

  test('what is not a number is never equal', () => {
    expect(compareTensors(tensor(NaN, 1), tensor(NaN, 1)).equal).toBe(false);
    expect(compareTensors(tensor(1, 1), tensor(NaN, 1)).equal).toBe(false);
    expect(compareTensors(tensor(1), tensor(Infinity)).equal).toBe(false);
  });

  test('assertParity names what differs', () => {
    expect(() => assertParity(tensor(1), tensor(2), { what: 'The student' })).toThrow(/^The student differs/);
    expect(assertParity(tensor(1), tensor(1), { what: 'The student' }).maxAbsDiff).toBe(0);
    expect(() => compareTensors(tensor(1), tensor(1, 2))).toThrow(/cannot be compared/);
  });
});

describe('verifyModels', () => {
  const identity = save('identity.onnx', linearModel(IDENTITY));

  test('a model equals itself, whatever its batch', async () => {
    const same = await verifyModels(identity, save('fixed.onnx', linearModel(IDENTITY, 5)));
    expect(same).toEqual({ maxAbsDiff: 0, maxRelDiff: 0, equal: true });
  });

  test('the difference is that of the weights', async () => {
    // y differs by 0.5 x in one column: its largest absolute value is half the largest input.
    const other = save('other.onnx', linearModel([1.5, 0, 0, 0, 1, 0, 0, 0, 1]));
    const { maxAbsDiff, equal } = await verifyModels(identity, other);
    expect(equal).toBe(false);
    expect(maxAbsDiff).toBeGreaterThan(0.4);
    expect(maxAbsDiff).toBeLessThan(3);
    expect(await verifyModels(identity, other)).toMatchObject({ maxAbsDiff });
    expect((await verifyModels(identity, other, { seed: 1 })).maxAbsDiff).not.toBe(maxAbsDiff);
  });

  test('refuses models of different inputs', async () => {
    const wide = save('wide.onnx', linearModel(IDENTITY, 'batch', 4));
    await expect(verifyModels(identity, wide)).rejects.toMatchObject({ code: 'E_SHAPE' });
  });
});

describe('evaluateModel', () => {
  const model = save('model.onnx', linearModel(IDENTITY));
  // The brightest channel: 0, 1, 2, 0.
  const images = save('images.npy', {
    type: 'uint8',
    shape: [4, 3, 1, 1],
    data: Uint8Array.of(9, 1, 2, 3, 200, 4, 5, 6, 255, 8, 7, 6),
  });
  const labels = (...values: number[]) =>
    save('labels.npy', { type: 'int64', shape: [values.length], data: BigInt64Array.from(values, BigInt) });

  test('counts the images whose largest output is at their label', async () => {
    const options = { images, labels: labels(0, 1, 2, 1), preprocess: 'raw' } as const;
    expect(await evaluateModel(model, options)).toEqual({ accuracy: 0.75, correct: 3, count: 4 });
  });

  test('applies the preprocessing', async () => {
    // Means that leave the first channel of every image largest.
    const preprocess = { mean: [-1, 1, 1], std: [1, 1, 1] };
    const result = await evaluateModel(model, { images, labels: labels(0, 0, 0, 0), preprocess });
    expect(result).toEqual({ accuracy: 1, correct: 4, count: 4 });
  });

  test.each([
    ['labels out of range', [0, 1, 2, 3], 'E_TENSOR'],
    ['negative labels', [0, 1, 2, -1], 'E_TENSOR'],
    ['too few labels', [0, 1, 2], 'E_SHAPE'],
  ])('refuses %s', async (_, values, code) => {
    const options = { images, labels: labels(...values), preprocess: 'raw' } as const;
    await expect(evaluateModel(model, options)).rejects.toMatchObject({ code });
  });

  test('refuses images that are not uint8 NCHW, labels that are not integers', async () => {
    const floats = save('floats.npy', { type: 'float32', shape: [4, 3, 1, 1], data: new Float32Array(12) });
    const options = { images, labels: labels(0, 1, 2, 0), preprocess: 'raw' } as const;
    await expect(evaluateModel(model, { ...options, images: floats })).rejects.toMatchObject({
      code: 'E_TENSOR',
    });
    await expect(evaluateModel(model, { ...options, labels: floats })).rejects.toMatchObject({
      code: 'E_TENSOR',
    });
  });

  test('of equal scores the first wins, and a row of NaN has no class', () => {
    expect(topClasses(Float32Array.of(1, 3, 3, NaN, NaN, NaN), 3)).toEqual([1, -1]);
  });
});
