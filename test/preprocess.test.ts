import { describe, expect, test } from 'vitest';
import type { Model, Node, Tensor } from '../converters/model.js';
import { fromPixelSpace, resolvePreprocessing, toBytes, toModelInput } from '../src/preprocess.js';

const floats = (dims: number[], values: number[]): Tensor => ({
  type: 'float',
  dims,
  data: Float32Array.from(values),
});

const node = (opType: string, inputs: string[], output: string): Node => ({
  label: output,
  opType,
  domain: '',
  inputs,
  outputs: [output],
  attributes: new Map(),
});

function model(
  nodes: Node[] = [],
  initializers: Record<string, Tensor> = {},
  metadata: Record<string, string> = {},
  channels = 3,
): Model {
  return {
    bytes: new Uint8Array(),
    irVersion: 8,
    opset: 17,
    producer: 'test',
    metadata: new Map(Object.entries(metadata)),
    graph: {
      nodes,
      inputs: [{ name: 'x', type: 'float', shape: [null, channels, 2, 2] }],
      outputs: [],
      initializers: new Map(Object.entries(initializers)),
    },
    functions: [],
    external: new Set(),
    externalFiles: new Set(),
  };
}

const bytes = Uint8Array.from({ length: 24 }, (_, i) => (i * 53) % 256);
const shape = [2, 3, 2, 2];
const channelOf = (i: number) => Math.floor(i / 4) % 3;

describe('named preprocessing', () => {
  test.each([
    ['imagenet' as const, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]],
    ['cifar10' as const, [0.4914, 0.4822, 0.4465], [0.247, 0.2435, 0.2616]],
    ['unit' as const, [0, 0, 0], [1, 1, 1]],
    ['raw' as const, [0, 0, 0], [1 / 255, 1 / 255, 1 / 255]],
  ])('%s is (x / 255 - mean) / std', (name, mean, std) => {
    const { data } = toModelInput(bytes, shape, resolvePreprocessing(name, model()));
    bytes.forEach((x, i) => {
      const expected = (x / 255 - mean[channelOf(i)]) / std[channelOf(i)];
      expect(Math.abs(data[i] - expected)).toBeLessThan(1e-6 * Math.max(1, Math.abs(expected)));
    });
  });

  test.each(['imagenet', 'unit', 'raw'] as const)('bytes survive %s and back', (name) => {
    const preprocessing = resolvePreprocessing(name, model());
    expect(Array.from(toBytes(toModelInput(bytes, shape, preprocessing), preprocessing))).toEqual(
      Array.from(bytes),
    );
  });

  test.each(['imagenet', 'unit', 'raw'] as const)('the range of %s ends at black and white', (name) => {
    const preprocessing = resolvePreprocessing(name, model());
    const { low, high } = preprocessing.range!;
    const ends = { shape: [2, 3, 1, 1], data: Float32Array.of(low, low, low, high, high, high) };
    const pixels = toModelInput(Uint8Array.of(0, 0, 0, 255, 255, 255), [2, 3, 1, 1], preprocessing);
    fromPixelSpace(ends, preprocessing).data.forEach((x, i) => {
      expect(x).toBeCloseTo(pixels.data[i], 4);
    });
  });

  test('own mean and std, one value for all channels or one per channel', () => {
    const single = resolvePreprocessing({ mean: [0.5], std: [0.25] }, model());
    const each = resolvePreprocessing({ mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] }, model());
    expect(toModelInput(bytes, shape, single)).toEqual(toModelInput(bytes, shape, each));
  });

  test.each([
    ['imagenet' as const, 1, /3 values, but the model's input has 1 channel;/],
    [{ mean: [0.5, 0.5], std: [1] }, 3, /2 values, but the model's input has 3 channels/],
    [{ mean: [0.5], std: [0] }, 3, /above 0/],
    [{ mean: [Number.NaN], std: [1] }, 3, /finite/],
    ['toString' as 'auto', 3, /'toString' is not known/],
  ])('%j on %i channels is refused', (option, channels, message) => {
    expect(() => resolvePreprocessing(option, model([], {}, {}, channels))).toThrow(message);
  });
});

describe('auto', () => {
  const nameOf = (found: Model) => resolvePreprocessing('auto', found).name;

  test('reads mean and std, a name or the nominal range from the metadata', () => {
    const custom = model([], {}, { 'onnx_dfkd.mean': '0.5, 0.4, 0.3', 'onnx_dfkd.std': '0.2,0.2,0.2' });
    const { scale, offset } = resolvePreprocessing({ mean: [0.5, 0.4, 0.3], std: [0.2, 0.2, 0.2] }, model());
    expect(resolvePreprocessing('auto', custom)).toMatchObject({ name: 'metadata', scale, offset });
    const named = resolvePreprocessing('auto', model([], {}, { 'onnx_dfkd.preprocess': 'cifar10' }));
    expect(named.scale).toEqual(resolvePreprocessing('cifar10', model()).scale);
    const nominal = resolvePreprocessing(
      'auto',
      model([], {}, { 'Image.NominalPixelRange': 'Normalized_1_1' }),
    );
    const ends = toModelInput(Uint8Array.of(0, 255, 0), [1, 3, 1, 1], nominal).data;
    expect(Array.from(ends, (x) => Number(x.toFixed(5)))).toEqual([-1, 1, -1]);
  });

  test('finds Sub and Div by ImageNet constants, the input being 0..1', () => {
    const graph = model(
      [node('Sub', ['x', 'mean'], 'a'), node('Div', ['a', 'std'], 'b'), node('Conv', ['b', 'w'], 'c')],
      {
        mean: floats([1, 3, 1, 1], [0.485, 0.456, 0.406]),
        std: floats([1, 3, 1, 1], [0.229, 0.224, 0.225]),
      },
    );
    const found = resolvePreprocessing('auto', graph);
    expect(found).toMatchObject({ name: 'in-graph', scale: resolvePreprocessing('unit', model()).scale });
    expect(found.note).toContain('0..1');
  });

  test('finds Mul by 1/255 and a batch norm after it, the input being 0..255', () => {
    const graph = model(
      [node('Mul', ['x', 'k'], 'a'), node('BatchNormalization', ['a', 'one', 'zero', 'mean', 'var'], 'b')],
      {
        k: floats([], [1 / 255]),
        one: floats([3], [1, 1, 1]),
        zero: floats([3], [0, 0, 0]),
        mean: floats([3], [0.5, 0.5, 0.4]),
        var: floats([3], [0.06, 0.06, 0.07]),
      },
    );
    const found = resolvePreprocessing('auto', graph);
    expect(found.name).toBe('in-graph');
    expect(found.scale).toEqual(resolvePreprocessing('raw', model()).scale);
  });

  test('assumes no range, and says so, where neither is there', () => {
    const found = resolvePreprocessing('auto', model([node('Conv', ['x', 'w'], 'y')]));
    expect(found).toMatchObject({ name: 'unknown', range: null, scale: [1, 1, 1], offset: [0, 0, 0] });
    expect(found.note).toContain('no valid range is assumed');
    expect(() => toModelInput(bytes, shape, found)).toThrow(/--preprocess/);
  });

  test('ignores constants that are no normalisation of pixels, and values with two consumers', () => {
    const k = floats([1, 3, 1, 1], [0.485, 0.456, 0.406]);
    expect(nameOf(model([node('Add', ['x', 'k'], 'y')], { k }))).toBe('unknown');
    expect(nameOf(model([node('Mul', ['x', 'k'], 'y')], { k: floats([1, 1, 2, 2], [9, 9, 9, 9]) }))).toBe(
      'unknown',
    );
    const twice = [node('Sub', ['x', 'k'], 'a'), node('Relu', ['x'], 'b'), node('Div', ['a', 'k'], 'c')];
    expect(nameOf(model(twice, { k }))).toBe('unknown');
  });
});
