import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import proto from 'onnx-proto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LEAST_SHARE } from '../src/prune/prune.js';
import { writeEveryKind, type WrittenFile } from './support/written-files.js';

/**
 * Every kind of file we write, read by the package onnx-proto: the schema of ONNX 1.10 on protobufjs 6, both of them
 * others than ours. It drops fields and types that are newer, on both sides of the comparison.
 */
const folder = mkdtempSync(join(tmpdir(), 'written-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

let files: readonly WrittenFile[] = [];
beforeAll(async () => {
  files = await writeEveryKind(folder);
}, 60_000);

const PROVENANCE = [
  ...['version', 'input_sha256', 'sparsity', 'seed', 'preset'],
  ...['criterion', 'pattern', 'schedule', 'synthesis', 'rungs'],
].map((key) => `onnx_dfkd.${key}`);

const largest = (xs: readonly number[]) => xs.reduce((most, x) => Math.max(most, x), -Infinity);
const smallest = (xs: readonly number[]) => xs.reduce((least, x) => Math.min(least, x), Infinity);

/** The model without what we change: weights' data, where it lies, and what we say of ourselves. */
function skeleton(model: proto.onnx.IModelProto): unknown {
  const document = proto.onnx.ModelProto.toObject(proto.onnx.ModelProto.create(model), { longs: String }) as {
    metadataProps?: { key: string }[];
    graph: {
      initializer?: Record<string, unknown>[];
      node: { attribute: { t?: Record<string, unknown> }[] }[];
    };
  };
  const constants = document.graph.node.flatMap(({ attribute = [] }) =>
    attribute.flatMap(({ t }) => (t ? [t] : [])),
  );
  for (const tensor of [...(document.graph.initializer ?? []), ...constants]) {
    // What stays is the name of the field that holds the data: raw, typed or external.
    for (const key of ['rawData', 'floatData', 'int32Data', 'doubleData', 'externalData']) {
      if (key in tensor) tensor[key] = 'data';
    }
  }
  const metadataProps = (document.metadataProps ?? []).filter(({ key }) => !PROVENANCE.includes(key));
  return { ...document, metadataProps };
}

/** The bytes of a tensor, wherever it is stored; 16-bit floats as their bits. */
function bytesOf(tensor: proto.onnx.ITensorProto, file: string): Buffer {
  const { rawData, floatData, doubleData, int32Data, externalData } = tensor;
  const entries = new Map((externalData ?? []).map(({ key, value }) => [key, value]));
  if (entries.has('location')) {
    const start = Number(entries.get('offset') ?? 0);
    const data = readFileSync(join(file, '..', entries.get('location')!));
    return data.subarray(start, start + Number(entries.get('length')));
  }
  if (rawData?.length) return Buffer.from(rawData);
  if (floatData?.length) return Buffer.from(Float32Array.from(floatData).buffer);
  if (doubleData?.length) return Buffer.from(Float64Array.from(doubleData).buffer);
  return Buffer.from(Uint16Array.from(int32Data ?? []).buffer);
}

/** TensorProto.DataType of onnx.proto. */
const FLOAT = 1;
const DOUBLE = 11;

/** Magnitudes in an order that is that of the values: of 16-bit floats, the bits without the sign. */
function magnitudes(bytes: Buffer, dataType: number): number[] {
  const { buffer } = new Uint8Array(bytes);
  if (dataType === FLOAT) return Array.from(new Float32Array(buffer), Math.abs);
  if (dataType === DOUBLE) return Array.from(new Float64Array(buffer), Math.abs);
  return Array.from(new Uint16Array(buffer), (bits) => bits & 0x7fff);
}

/** Every stored tensor by name, those of Constant nodes by their output. */
function tensorsOf({ graph }: proto.onnx.ModelProto): Map<string, proto.onnx.ITensorProto> {
  const initializers = graph!.initializer!.map((tensor) => [tensor.name!, tensor] as const);
  const constants = graph!.node!.flatMap(({ output, attribute }) =>
    (attribute ?? []).flatMap(({ t }) => (t ? [[output![0], t] as const] : [])),
  );
  return new Map([...initializers, ...constants]);
}

const read = (path: string) => proto.onnx.ModelProto.decode(readFileSync(path));

describe('onnx-proto reads', () => {
  test('every kind of file back to the same graph', () => {
    expect(files.length).toBeGreaterThanOrEqual(20);
    for (const { name, teacher, student } of files) {
      const [before, after] = [read(teacher), read(student)];
      expect(after.metadataProps.map(({ key }) => key)).toEqual(expect.arrayContaining(PROVENANCE));
      if (name === 'shared, then apart') {
        const outputs = (model: proto.onnx.ModelProto) => model.graph!.node!.map(({ output }) => output);
        expect(outputs(after)).toEqual(outputs(before));
        expect(after.graph!.initializer!.length).toBe(before.graph!.initializer!.length + 2);
      } else {
        expect([name, skeleton(after)]).toEqual([name, skeleton(before)]);
      }
    }
  });

  test('of the weights, the smallest as zeros and the others to the bit', () => {
    const pruned = files.filter(({ recovered }) => !recovered);
    expect(pruned.length).toBeGreaterThanOrEqual(15);
    for (const { name, teacher, student, weights, sparsity } of pruned) {
      const before = tensorsOf(read(teacher));
      const after = tensorsOf(read(student));
      expect(weights.length).toBeGreaterThan(2);
      const layers: { gone: number[]; kept: number[] }[] = [];
      for (const [key, tensor] of before) {
        const [old, now] = [bytesOf(tensor, teacher), bytesOf(after.get(key)!, student)];
        if (!weights.includes(key)) {
          expect([name, key, now.equals(old)]).toEqual([name, key, true]);
          continue;
        }
        const sizes = magnitudes(old, tensor.dataType!);
        const width = old.length / sizes.length;
        const layer = { gone: [] as number[], kept: [] as number[] };
        sizes.forEach((size, i) => {
          const value = now.subarray(i * width, (i + 1) * width);
          const isKept = value.equals(old.subarray(i * width, (i + 1) * width));
          if (!isKept) expect([name, key, value]).toEqual([name, key, Buffer.alloc(width)]);
          layer[isKept ? 'kept' : 'gone'].push(size);
        });
        layers.push(layer);
      }
      const gone = layers.flatMap((layer) => layer.gone);
      const total = gone.length + layers.flatMap(({ kept }) => kept).length;
      expect([name, gone.length]).toEqual([name, Math.floor(sparsity * total)]);
      for (const layer of layers) expect(largest(layer.gone)).toBeLessThanOrEqual(smallest(layer.kept));
      // A layer that has no more than its least share keeps what is smaller than others'.
      const isSpared = (layer: { gone: number[]; kept: number[] }) =>
        layer.kept.length <= LEAST_SHARE * (1 - sparsity) * (layer.gone.length + layer.kept.length);
      const others = layers.filter((layer) => !isSpared(layer));
      expect(others.length).toBeGreaterThan(layers.length / 2);
      expect(largest(gone)).toBeLessThanOrEqual(smallest(others.flatMap(({ kept }) => kept)));
    }
  });
});
