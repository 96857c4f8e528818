import { encodeTensor, encodeValueInfo, type ValueSpec } from '../../converters/encode.js';
import type { Tensor } from '../../converters/model.js';

/** ONNX files written field by field, so that any rule of the format can be broken. */

/** A field of wire type 2: a message, text, or packed numbers. */
export function field(number: number, ...parts: (Uint8Array | string)[]): Buffer {
  const body = Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : part)));
  return Buffer.concat([varint(number * 8 + 2), varint(body.length), body]);
}

/** A field of wire type 0. */
export function integer(number: number, value: number | bigint): Buffer {
  return Buffer.concat([varint(number * 8), varint(value)]);
}

/** A base-128 varint; negative numbers take ten bytes, as int64 does. */
export function varint(value: number | bigint): Buffer {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  bytes.push(Number(rest));
  return Buffer.from(bytes);
}

export function node(
  opType: string,
  inputs: readonly string[],
  outputs: readonly string[],
  ...more: readonly Uint8Array[]
): Buffer {
  const names = [...inputs.map((name) => field(1, name)), ...outputs.map((name) => field(2, name))];
  return field(1, Buffer.concat(names), field(4, opType), ...more);
}

/** AttributeProto.AttributeType */
export const KIND = { float: 1, int: 2, string: 3, tensor: 4, graph: 5, floats: 6, ints: 7 } as const;

export function attribute(name: string, kind: number, ...value: readonly Uint8Array[]): Buffer {
  return field(5, field(1, name), integer(20, kind), ...value);
}

export function initializer(name: string, tensor: Tensor): Buffer {
  return field(5, encodeTensor(tensor, name));
}

export const input = (value: ValueSpec): Buffer => field(11, encodeValueInfo(value));
export const output = (value: ValueSpec): Buffer => field(12, encodeValueInfo(value));

export const X: ValueSpec = { name: 'x', type: 'float', shape: ['n', 3, 4, 4] };
export const Y: ValueSpec = { name: 'y', type: 'float', shape: ['n', 4] };

/** y = Flatten(GlobalAveragePool(h)) W: turns any image with four channels into class scores. */
export function head(h = 'x'): Buffer {
  return Buffer.concat([node('GlobalAveragePool', [h], ['p']), node('Flatten', ['p'], ['y'])]);
}

export const HEADER = Buffer.concat([integer(1, 8), field(8, field(1, ''), integer(2, 17))]);

/** A model of the given fields of GraphProto. */
export function model(...graph: readonly Uint8Array[]): Buffer {
  return Buffer.concat([HEADER, field(7, ...graph)]);
}
