import { execFileSync } from 'node:child_process';
import { existsSync, linkSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeModel } from '../converters/encode.js';
import { DfkdError, type ErrorCode } from '../converters/errors.js';
import {
  bfloat16ToFloat32,
  float16ToFloat32,
  float32ToBfloat16,
  float32ToFloat16,
} from '../converters/half.js';
import { decodeModel, decodeTensor, readModel } from '../converters/read.js';
import { onnx } from '../converters/schema/onnx.js';
import { linearModel } from './support/models.js';

const { DataType } = onnx.TensorProto;
const { EXTERNAL } = onnx.TensorProto.DataLocation;
const TEACHERS = ['resnet20.onnx', 'resnet20-dynamo-noopt.onnx', 'resnet20-training-mode.onnx', 'vgg9.onnx'];
const SHARED = new URL('../../shared/', import.meta.url).pathname;

function encodeTensorProto(message: onnx.TensorProto.$Properties): Uint8Array {
  return onnx.TensorProto.encode(message).finish();
}

/** A ModelProto built field by field, for what encodeModel does not write. */
function encodeProto(graph: onnx.GraphProto.$Properties, rest: onnx.ModelProto.$Properties = {}): Uint8Array {
  return onnx.ModelProto.encode({
    irVersion: 8,
    opsetImport: [{ domain: '', version: 17 }],
    ...rest,
    graph,
  }).finish();
}

const FLOAT_4 = { tensorType: { elemType: DataType.FLOAT, shape: { dim: [{ dimValue: 4 }] } } };
const relu = (input: string, output: string) => ({ opType: 'Relu', input: [input], output: [output] });
const graphOf = (node: onnx.NodeProto.$Properties[], rest: onnx.GraphProto.$Properties = {}) => ({
  node,
  input: [{ name: 'x', type: FLOAT_4 }],
  output: [{ name: 'y', type: FLOAT_4 }],
  ...rest,
});

function codeOf(action: () => unknown): ErrorCode | undefined {
  try {
    action();
    return undefined;
  } catch (error) {
    if (error instanceof DfkdError) return error.code;
    throw error;
  }
}

describe('storage of tensors', () => {
  const values = [1.5, -2, 0.25, 65504];

  test.each([
    ['float', { dataType: DataType.FLOAT, floatData: values }],
    ['double', { dataType: DataType.DOUBLE, doubleData: values }],
    ['float16', { dataType: DataType.FLOAT16, int32Data: [0x3e00, 0xc000, 0x3400, 0x7bff] }],
    ['bfloat16', { dataType: DataType.BFLOAT16, int32Data: [0x3fc0, 0xc000, 0x3e80, 0x477f] }],
  ])('%s in its typed field', (type, proto) => {
    const tensor = decodeTensor(encodeTensorProto({ dims: [2, 2], ...proto }));
    expect(tensor.type).toBe(type);
    expect(tensor.dims).toEqual([2, 2]);
    // 65504 has no bfloat16; 0x477f is 65280.
    expect([...tensor.data]).toEqual(type === 'bfloat16' ? [1.5, -2, 0.25, 65280] : values);
  });

  test.each([
    ['int64', { int64Data: [-1, 9007199254740991] }, [-1n, 9007199254740991n]],
    ['uint64', { uint64Data: [1, 7] }, [1n, 7n]],
    ['uint32', { uint64Data: [1, 4294967295] }, [1, 4294967295]],
    ['int32', { int32Data: [-1, 7] }, [-1, 7]],
    ['int16', { int32Data: [-1, 7] }, [-1, 7]],
    ['int8', { int32Data: [-128, 7] }, [-128, 7]],
    ['uint8', { int32Data: [255, 7] }, [255, 7]],
    ['uint16', { int32Data: [65535, 7] }, [65535, 7]],
    ['bool', { int32Data: [1, 0] }, [1, 0]],
  ])('%s in its typed field', (type, proto, expected) => {
    const dataType = DataType[type.toUpperCase() as keyof typeof DataType];
    const tensor = decodeTensor(encodeTensorProto({ dims: [2], dataType, ...proto }));
    expect(tensor.type).toBe(type);
    expect([...tensor.data]).toEqual(expected);
  });

  test('raw data at every alignment', () => {
    const data = Float64Array.of(Math.PI, -1, 1e300);
    const rawData = new Uint8Array(data.buffer);
    for (const padding of [1, 2, 3, 4, 5, 6, 7, 8]) {
      const bytes = encodeTensorProto({
        dims: [3],
        dataType: DataType.DOUBLE,
        docString: 'd'.repeat(padding),
        rawData,
      });
      expect(decodeTensor(bytes).data).toEqual(data);
    }
  });

  test('all 65,536 halves survive the way to float32 and back', () => {
    const bits = Uint16Array.from({ length: 65536 }, (_, i) => i);
    const isNumber = (values: Float32Array) => (_: number, i: number) => !Number.isNaN(values[i]);
    const half = float16ToFloat32(bits);
    expect(float32ToFloat16(half).filter(isNumber(half))).toEqual(bits.filter(isNumber(half)));
    const brain = bfloat16ToFloat32(bits);
    expect(float32ToBfloat16(brain).filter(isNumber(brain))).toEqual(bits.filter(isNumber(brain)));
  });

  test('halves round to nearest, ties to even', () => {
    // 1 + 2^-11 lies between 1 and 1 + 2^-10, 1 + 3 * 2^-11 between that and 1 + 2^-9; 65520 rounds to infinity.
    const values = [1 + 2 ** -11, 1 + 3 * 2 ** -11, 65519, 65520, 2 ** -25, 3 * 2 ** -25, NaN];
    expect([...float16ToFloat32(float32ToFloat16(Float32Array.from(values)))]).toEqual([
      1,
      1 + 2 ** -9,
      65504,
      Infinity,
      0,
      2 ** -23,
      NaN,
    ]);
    const coarse = [1 + 2 ** -8, 1 + 3 * 2 ** -8, 3.4e38, NaN];
    expect([...bfloat16ToFloat32(float32ToBfloat16(Float32Array.from(coarse)))]).toEqual([
      1,
      1 + 2 ** -6,
      Infinity,
      NaN,
    ]);
  });

  test('sizes are checked before anything is allocated', () => {
    const huge = { dims: [2 ** 40, 2 ** 40], dataType: DataType.FLOAT };
    expect(codeOf(() => decodeTensor(encodeTensorProto(huge)))).toBe('E_TENSOR');
    const large = { dims: [2 ** 40], dataType: DataType.FLOAT };
    expect(codeOf(() => decodeTensor(encodeTensorProto(large)))).toBe('E_TENSOR');
    const text = { dims: [1], dataType: DataType.STRING, stringData: [new Uint8Array(1)] };
    expect(codeOf(() => decodeTensor(encodeTensorProto(text)))).toBe('E_UNSUPPORTED');
  });
});

describe('external data', () => {
  const entry = (key: string, value: string) => ({ key, value });
  const modelWith = (externalData: { key: string; value: string }[]) =>
    encodeProto(
      graphOf([{ opType: 'Add', input: ['x', 'w'], output: ['y'] }], {
        initializer: [
          { name: 'w', dims: [4], dataType: DataType.FLOAT, dataLocation: EXTERNAL, externalData },
        ],
      }),
    );
  const folder = () => mkdtempSync(join(tmpdir(), 'onnx-dfkd-read-'));

  test('is read at its offset', () => {
    const baseDir = folder();
    writeFileSync(join(baseDir, 'w.bin'), new Uint8Array(Float32Array.of(9, 1, 2, 3, 4, 9).buffer));
    const bytes = modelWith([entry('location', 'w.bin'), entry('offset', '4'), entry('length', '16')]);
    const model = decodeModel(bytes, { baseDir });
    expect(model.graph.initializers.get('w')?.data).toEqual(Float32Array.of(1, 2, 3, 4));
    expect([...model.external]).toEqual(['w']);
    expect(codeOf(() => decodeModel(bytes))).toBe('E_EXTERNAL');
  });

  test('is refused outside the folder, through links, from what is not a file, and when too short', () => {
    const baseDir = folder();
    writeFileSync(join(baseDir, 'short.bin'), new Uint8Array(15));
    symlinkSync('short.bin', join(baseDir, 'link.bin'));
    symlinkSync(tmpdir(), join(baseDir, 'linked-folder'));
    execFileSync('mkfifo', [join(baseDir, 'pipe')]);
    writeFileSync(join(baseDir, 'two-names.bin'), new Uint8Array(16));
    linkSync(join(baseDir, 'two-names.bin'), join(baseDir, 'second.bin'));
    const locations = [
      '../w.bin',
      '/etc/passwd',
      'C:\\w.bin',
      'a\\..\\..\\w.bin',
      'missing.bin',
      'short.bin',
      '.',
    ];
    for (const location of [...locations, 'link.bin', 'linked-folder/w.bin', 'pipe', 'second.bin']) {
      const bytes = modelWith([entry('location', location)]);
      expect([location, codeOf(() => decodeModel(bytes, { baseDir }))]).toEqual([location, 'E_EXTERNAL']);
    }
    for (const offset of ['-1', '1e3', '0x10', '', '99999999999999999999']) {
      const bytes = modelWith([entry('location', 'short.bin'), entry('offset', offset)]);
      expect([offset, codeOf(() => decodeModel(bytes, { baseDir }))]).toEqual([offset, 'E_EXTERNAL']);
    }
  });
});

describe('graph', () => {
  test('nodes out of order are sorted, ordered ones keep their order', () => {
    const model = decodeModel(encodeProto(graphOf([relu('b', 'y'), relu('a', 'b'), relu('x', 'a')])));
    expect(model.graph.nodes.map(({ outputs }) => outputs[0])).toEqual(['a', 'b', 'y']);
    const ordered = decodeModel(encodeProto(graphOf([relu('x', 'b'), relu('x', 'a'), relu('b', 'y')])));
    expect(ordered.graph.nodes.map(({ outputs }) => outputs[0])).toEqual(['b', 'a', 'y']);
  });

  test('a cycle is refused', () => {
    const bytes = encodeProto(graphOf([relu('b', 'a'), relu('a', 'b'), relu('b', 'y')]));
    expect(() => decodeModel(bytes)).toThrow("Node 'Relu -> a' depends on its own output.");
  });

  test('an initializer that is listed as an input is none', () => {
    const graph = graphOf([{ opType: 'Add', input: ['x', 'w'], output: ['y'] }], {
      input: [
        { name: 'x', type: FLOAT_4 },
        { name: 'w', type: FLOAT_4 },
      ],
      initializer: [{ name: 'w', dims: [4], dataType: DataType.FLOAT, floatData: [1, 2, 3, 4] }],
    });
    expect(decodeModel(encodeProto(graph)).graph.inputs.map(({ name }) => name)).toEqual(['x']);
  });

  test('Constant nodes stay, and their values stand among the initializers', () => {
    const float = onnx.AttributeProto.AttributeType.FLOAT;
    const constant = {
      opType: 'Constant',
      output: ['c'],
      attribute: [{ name: 'value_float', type: float, f: 2.5 }],
    };
    const { graph } = decodeModel(
      encodeProto(graphOf([constant, { opType: 'Mul', input: ['x', 'c'], output: ['y'] }])),
    );
    expect(graph.nodes.map(({ opType }) => opType)).toEqual(['Constant', 'Mul']);
    expect(graph.initializers.get('c')).toEqual({ type: 'float', dims: [], data: Float32Array.of(2.5) });
  });

  test('64-bit attributes: the ends of the range saturate, other large values are refused', () => {
    const max = { low: -1, high: 0x7fffffff, unsigned: false } as never;
    const slice = (ints: never[]) =>
      encodeProto(
        graphOf([
          {
            ...relu('x', 'y'),
            attribute: [{ name: 'ends', type: onnx.AttributeProto.AttributeType.INTS, ints }],
          },
        ]),
      );
    expect(decodeModel(slice([max])).graph.nodes[0].attributes.get('ends')).toEqual({
      kind: 'ints',
      value: [Number.MAX_SAFE_INTEGER],
    });
    const large = { low: 0, high: 0x7fffffff, unsigned: false } as never;
    expect(codeOf(() => decodeModel(slice([large])))).toBe('E_ATTR');
  });
});

describe('files that are no models', () => {
  const folder = mkdtempSync(join(tmpdir(), 'onnx-dfkd-read-'));
  const file = (name: string, content: string | Uint8Array) => {
    writeFileSync(join(folder, name), content);
    return join(folder, name);
  };

  test.each([
    ['text', () => file('text.onnx', 'This is not a model.\n'), 'E_PARSE', 'its content is text'],
    [
      'Git LFS',
      () => file('lfs.onnx', 'version https://git-lfs.github.com/spec/v1\n'),
      'E_PARSE',
      'git lfs pull',
    ],
    ['a zip', () => file('zip.onnx', 'PK\x03\x04....'), 'E_PARSE', 'torch.onnx.export'],
    ['nothing', () => file('empty.onnx', ''), 'E_PARSE', 'is empty'],
    ['a folder', () => folder, 'E_IO', 'is not a file'],
    ['missing', () => join(folder, 'missing.onnx'), 'E_IO', 'does not exist'],
  ])('%s', async (_, path, code, words) => {
    await expect(readModel(path())).rejects.toMatchObject({ code, message: expect.stringContaining(words) });
  });

  test('a message without a graph', () => {
    expect(codeOf(() => decodeModel(onnx.ModelProto.encode({ irVersion: 8 }).finish()))).toBe('E_MODEL');
  });

  test('every truncation is refused with a sentence', () => {
    const bytes = encodeModel(linearModel());
    expect(decodeModel(bytes).graph.nodes).toHaveLength(2);
    // The opset list comes last: only the cut right before it leaves a message that parses.
    const cuts = Array.from({ length: bytes.length }, (_, length) => bytes.subarray(0, length));
    const codes = cuts.map((cut) => codeOf(() => decodeModel(cut)));
    const accepted = cuts.filter((_, length) => codes[length] === undefined);
    expect(accepted.map((cut) => decodeModel(cut).opset)).toEqual([0]);
    expect(new Set(codes)).toEqual(new Set(['E_PARSE', 'E_MODEL', undefined]));
  });

  test('no damage to a file makes anything but a DfkdError', () => {
    const bytes = encodeModel(linearModel());
    const damage = fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(damage, fc.nat(bytes.length), (changes, length) => {
        const damaged = Uint8Array.from(bytes);
        for (const [position, value] of changes) damaged[position] = value;
        codeOf(() => decodeModel(damaged.subarray(0, length)));
        codeOf(() => decodeModel(damaged));
      }),
      { numRuns: 500, seed: 1 },
    );
  });
});

describe.skipIf(!existsSync(SHARED))('teachers of ../shared (skipped without it)', () => {
  test.each(TEACHERS)('%s', async (name) => {
    const model = await readModel(join(SHARED, 'teachers', name));
    expect(readFileSync(join(SHARED, 'teachers', name)).equals(model.bytes)).toBe(true);
    expect(model.graph.inputs).toEqual([{ name: 'input', type: 'float', shape: [null, 3, 32, 32] }]);
    expect(model.graph.outputs).toEqual([{ name: 'logits', type: 'float', shape: [null, 10] }]);
    expect(model.graph.nodes.some(({ opType }) => opType === 'Conv')).toBe(true);
  });
});
