import { existsSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { encodeModel } from '../converters/encode.js';
import type { Model, Tensor } from '../converters/model.js';
import { decodeModel, readModel } from '../converters/read.js';
import { onnx } from '../converters/schema/onnx.js';
import { editModel } from '../converters/write.js';
import { loadOnnxRuntime } from '../src/engine/onnxruntime/runtime.js';
import { linearModel } from './support/models.js';

const TEACHERS = new URL('../../shared/teachers/', import.meta.url).pathname;
const { DataType } = onnx.TensorProto;
const { AttributeType } = onnx.AttributeProto;

/** y of the models here, for x = [1, 1] and [-1, 2]. */
async function run(bytes: Uint8Array): Promise<number[]> {
  const ort = loadOnnxRuntime();
  const session = await ort.InferenceSession.create(bytes);
  const { y } = await session.run({ x: new ort.Tensor('float32', Float32Array.of(1, 1, -1, 2), [2, 2]) });
  return [...(y.data as Float32Array)];
}

const X_AND_Y = (() => {
  const type = (size: number) => ({
    tensorType: { elemType: DataType.FLOAT, shape: { dim: [{ dimParam: 'n' }, { dimValue: size }] } },
  });
  return { input: [{ name: 'x', type: type(2) }], output: [{ name: 'y', type: type(2) }] };
})();

const IR_8 = { irVersion: 8, opsetImport: [{ domain: '', version: 17 }] };

/** y = x * c, with c as the given initializer or Constant node. */
function scaleModel(
  stored: { initializer: onnx.TensorProto.$Properties } | { constant: onnx.AttributeProto.$Properties },
) {
  const node: onnx.NodeProto.$Properties[] = [{ opType: 'Mul', input: ['x', 'c'], output: ['y'] }];
  const initializer: onnx.TensorProto.$Properties[] = [];
  if ('constant' in stored) node.unshift({ opType: 'Constant', output: ['c'], attribute: [stored.constant] });
  else initializer.push({ name: 'c', ...stored.initializer });
  return onnx.ModelProto.encode({ ...IR_8, graph: { name: 'g', node, initializer, ...X_AND_Y } }).finish();
}

const rawOf = (data: ArrayBufferView) => new Uint8Array(data.buffer);

describe('storage is kept', () => {
  const two = { dims: [2] };
  const cases: [string, Uint8Array][] = [
    [
      'raw_data',
      scaleModel({
        initializer: { ...two, dataType: DataType.FLOAT, rawData: rawOf(Float32Array.of(1, 2)) },
      }),
    ],
    ['float_data', scaleModel({ initializer: { ...two, dataType: DataType.FLOAT, floatData: [1, 2] } })],
    [
      'value of a Constant',
      scaleModel({
        constant: {
          name: 'value',
          type: AttributeType.TENSOR,
          t: { ...two, dataType: DataType.FLOAT, floatData: [1, 2] },
        },
      }),
    ],
    [
      'value_floats',
      scaleModel({ constant: { name: 'value_floats', type: AttributeType.FLOATS, floats: [1, 2] } }),
    ],
  ];

  test.each(cases)('%s', async (_, bytes) => {
    expect(await run(bytes)).toEqual([1, 2, -1, 4]);
    const edited = editModel(decodeModel(bytes), { tensors: new Map([['c', Float32Array.of(3, -0.5)]]) });
    expect(edited).toHaveLength(bytes.length);
    expect(decodeModel(edited).graph.initializers.get('c')?.data).toEqual(Float32Array.of(3, -0.5));
    expect(await run(edited)).toEqual([3, -0.5, -3, -1]);
  });

  test('value_float', async () => {
    const bytes = scaleModel({ constant: { name: 'value_float', type: AttributeType.FLOAT, f: 2 } });
    const edited = editModel(decodeModel(bytes), { tensors: new Map([['c', Float32Array.of(5)]]) });
    expect(await run(edited)).toEqual([5, 5, -5, 10]);
  });

  test.each([
    ['double', DataType.DOUBLE, { doubleData: [1, 2] }, { doubleData: [3, -0.5] }],
    ['float16', DataType.FLOAT16, { int32Data: [0x3c00, 0x4000] }, { int32Data: [0x4200, 0xb800] }],
    ['bfloat16', DataType.BFLOAT16, { int32Data: [0x3f80, 0x4000] }, { int32Data: [0x4040, 0xbf00] }],
  ])('%s', (_, dataType, before, after) => {
    const values = new Map([['c', Float32Array.of(3, -0.5)]]);
    const typed = scaleModel({ initializer: { dims: [2], dataType, ...before } });
    expect(editModel(decodeModel(typed), { tensors: values })).toEqual(
      Buffer.from(scaleModel({ initializer: { dims: [2], dataType, ...after } })),
    );
    const [bits] = Object.values(after);
    const raw = rawOf(dataType === DataType.DOUBLE ? Float64Array.from(bits) : Uint16Array.from(bits));
    const blank = scaleModel({ initializer: { dims: [2], dataType, rawData: new Uint8Array(raw.length) } });
    expect(editModel(decodeModel(blank), { tensors: values })).toEqual(
      Buffer.from(scaleModel({ initializer: { dims: [2], dataType, rawData: raw } })),
    );
  });
});

describe('what is not edited stays byte for byte', () => {
  /** Unknown fields of every wire type at the end of each message, and a length prefix longer than it need be. */
  function addUnknownFields(): Uint8Array {
    const group = [0xfb, 0x3e, 0x08, 0x01, 0xfb, 0x3e, 0xfc, 0x3e, 0xfc, 0x3e];
    const unknown = [
      ...[0xc8, 0x3e, 0x07],
      ...[0xca, 0x3e, 0x02, 0x41, 0x42],
      ...[0xcd, 0x3e, 1, 2, 3, 4],
      ...group,
    ];
    const tensor = onnx.TensorProto.encode({
      name: 'c',
      dims: [2],
      dataType: DataType.FLOAT,
      floatData: [1, 2],
    }).finish();
    const field = (number: number, value: number[]) => [number * 8 + 2, value.length | 0x80, 0x00, ...value];
    const node = onnx.NodeProto.encode({ opType: 'Mul', input: ['x', 'c'], output: ['y'] }).finish();
    const signature = onnx.GraphProto.encode({ name: 'g', ...X_AND_Y }).finish();
    const graph = [
      ...field(5, [...tensor, ...unknown]),
      ...field(1, [...node, ...unknown]),
      ...signature,
      ...unknown,
    ];
    const length = [(graph.length & 0x7f) | 0x80, (graph.length >> 7) | 0x80, 0x00];
    return Uint8Array.from([
      7 * 8 + 2,
      ...length,
      ...graph,
      ...onnx.ModelProto.encode(IR_8).finish(),
      ...unknown,
    ]);
  }

  test('nothing to do', () => {
    const bytes = addUnknownFields();
    expect(editModel(decodeModel(bytes), {})).toBe(bytes);
    expect(editModel(decodeModel(bytes), { tensors: new Map(), metadata: new Map(), copies: [] })).toBe(
      bytes,
    );
  });

  test('unknown fields, order and long encodings', async () => {
    const bytes = addUnknownFields();
    const edited = editModel(decodeModel(bytes), { tensors: new Map([['c', Float32Array.of(7, 0)]]) });
    expect(await run(edited)).toEqual([7, 0, -7, 0]);
    // The same bytes, but for the 8 of the tensor and the prefixes of the three messages around it.
    const values = rawOf(Float32Array.of(1, 2));
    const at = Buffer.from(bytes).indexOf(values);
    const tail = (all: Uint8Array) => Buffer.from(all).subarray(Buffer.from(all).indexOf('c', 0) - 2);
    expect(at).toBeGreaterThan(0);
    const restored = Buffer.from(edited);
    const place = restored.indexOf(rawOf(Float32Array.of(7, 0)));
    restored.set(values, place);
    expect(restored.subarray(place).equals(Buffer.from(bytes).subarray(at))).toBe(true);
    expect(tail(restored)).toEqual(tail(bytes));
    expect(bytes.length - edited.length).toBe(2); // the graph's and the tensor's prefix, now as short as they can be
  });

  test('metadata is replaced in place or appended', () => {
    const metadataProps = [
      { key: 'a', value: '1' },
      { key: '__proto__', value: 'kept' },
    ];
    const graph = onnx.ModelProto.decode(encodeModel(linearModel())).graph;
    const bytes = onnx.ModelProto.encode({ ...IR_8, graph, metadataProps }).finish();
    const edited = editModel(decodeModel(bytes), {
      metadata: new Map([
        ['b', '2'],
        ['a', 'é'],
      ]),
    });
    expect([...decodeModel(edited).metadata]).toEqual([
      ['a', 'é'],
      ['__proto__', 'kept'],
      ['b', '2'],
    ]);
  });
});

describe('copies of shared constants', () => {
  function sharedModel(irVersion: number): Uint8Array {
    const graph: onnx.GraphProto.$Properties = {
      name: 'g',
      node: [
        { opType: 'Mul', input: ['x', 'c'], output: ['h'] },
        { opType: 'Mul', input: ['h', 'c'], output: ['y'] },
      ],
      initializer: [{ name: 'c', dims: [2], dataType: DataType.FLOAT, floatData: [2, 3] }],
      ...X_AND_Y,
    };
    return onnx.ModelProto.encode({ ...IR_8, irVersion, graph }).finish();
  }
  const copy = {
    name: 'c@y',
    source: 'c',
    data: Float32Array.of(10, 100),
    consumers: [{ output: 'y', input: 1 }],
  };

  test.each([3, 8])('one reader gets its own, IR %i', async (irVersion) => {
    const bytes = sharedModel(irVersion);
    expect(await run(bytes)).toEqual([4, 9, -4, 18]);
    const edited = editModel(decodeModel(bytes), { copies: [copy] });
    expect(await run(edited)).toEqual([20, 300, -20, 600]);
    const { graph } = decodeModel(edited);
    expect(graph.nodes.map(({ inputs }) => inputs)).toEqual([
      ['x', 'c'],
      ['h', 'c@y'],
    ]);
    expect(graph.inputs.map(({ name }) => name)).toEqual(['x']);
    expect(graph.initializers.get('c')?.data).toEqual(Float32Array.of(2, 3));
  });

  test('together with an edit of the original', async () => {
    const edited = editModel(decodeModel(sharedModel(8)), {
      copies: [copy],
      tensors: new Map([['c', Float32Array.of(0, -1)]]),
    });
    expect(await run(edited)).toEqual([0, -100, -0, -200]);
  });

  test('names and sizes that do not fit are refused', () => {
    const model = decodeModel(sharedModel(8));
    const data = Float32Array.of(1, 2);
    expect(() => editModel(model, { tensors: new Map([['nope', data]]) })).toThrow(
      "stores no constant 'nope'",
    );
    expect(() => editModel(model, { tensors: new Map([['c', data.subarray(1)]]) })).toThrow('1 float values');
    expect(() => editModel(model, { copies: [{ ...copy, consumers: [{ output: 'y', input: 2 }] }] })).toThrow(
      'no input 2',
    );
    expect(() => editModel(model, { copies: [{ ...copy, name: 'h' }] })).toThrow("a value 'h' already");
    expect(() => editModel(model, { copies: [{ ...copy, consumers: [{ output: 'z', input: 1 }] }] })).toThrow(
      "'z'",
    );
  });
});

describe('external data', () => {
  function externalModel(): Model {
    const baseDir = mkdtempSync(join(tmpdir(), 'onnx-dfkd-write-'));
    writeFileSync(join(baseDir, 'w.bin'), rawOf(Float32Array.of(1, 2, 3, 4)));
    const stored = (name: string, offset: string): onnx.TensorProto.$Properties => ({
      name,
      dims: [2],
      dataType: DataType.FLOAT,
      dataLocation: onnx.TensorProto.DataLocation.EXTERNAL,
      externalData: [
        { key: 'location', value: 'w.bin' },
        { key: 'offset', value: offset },
      ],
    });
    const graph: onnx.GraphProto.$Properties = {
      name: 'g',
      node: [
        { opType: 'Mul', input: ['x', 'c'], output: ['h'] },
        { opType: 'Add', input: ['h', 'd'], output: ['y'] },
      ],
      initializer: [stored('c', '0'), stored('d', '8')],
      ...X_AND_Y,
    };
    return decodeModel(onnx.ModelProto.encode({ ...IR_8, graph }).finish(), { baseDir });
  }

  test('moves into the file when told to', async () => {
    const embedded = editModel(externalModel(), { embedExternal: true });
    expect(await run(embedded)).toEqual([4, 6, 2, 8]);
    const edited = editModel(externalModel(), {
      embedExternal: true,
      tensors: new Map([['c', Float32Array.of(0, 1)]]),
    });
    expect(await run(edited)).toEqual([3, 5, 3, 6]);
  });

  test('stays outside otherwise, but for what changes', () => {
    const edited = editModel(externalModel(), { tensors: new Map([['c', Float32Array.of(0, 1)]]) });
    const [c, d] = onnx.ModelProto.decode(edited).graph!.initializer!;
    expect(c.externalData).toEqual([]);
    expect(d.externalData).toHaveLength(2);
  });
});

const files = existsSync(TEACHERS) ? readdirSync(TEACHERS).filter((name) => name.endsWith('.onnx')) : [];
describe.skipIf(files.length === 0)('teachers of ../shared (skipped without it)', () => {
  test.each(files)('%s', async (name) => {
    const model = await readModel(join(TEACHERS, name));
    expect(editModel(model, {})).toBe(model.bytes);

    const isTrainable = ([, { type, data }]: [string, Tensor]) => type === 'float' && data.length > 100;
    const names = [...model.graph.initializers].filter(isTrainable).map(([key]) => key);
    const chosen = new Map(
      names
        .filter((_, i) => i % 3 === 0)
        .map((key) => [
          key,
          (model.graph.initializers.get(key)!.data as Float32Array).map((value) => value / 2),
        ]),
    );
    expect(chosen.size).toBeGreaterThan(1);
    const edited = decodeModel(editModel(model, { tensors: chosen }));

    // Decoded by protobufjs, both files are equal but for the tensors that were edited.
    const strip = (bytes: Uint8Array) => {
      const message = onnx.ModelProto.decode(bytes);
      for (const tensor of message.graph!.initializer!) if (chosen.has(tensor.name!)) tensor.rawData = null;
      return Buffer.from(onnx.ModelProto.encode(message).finish());
    };
    expect(strip(edited.bytes).equals(strip(model.bytes))).toBe(true);
    for (const [key, data] of chosen) expect(edited.graph.initializers.get(key)!.data).toEqual(data);
    const session = await loadOnnxRuntime().InferenceSession.create(edited.bytes);
    expect(session.inputNames).toEqual(['input']);
  });
});
