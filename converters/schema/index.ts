/**
 * onnx.proto as generated code, and nothing else of protobuf: the messages that read.ts and encode.ts need, with
 * 64-bit integers as the two halves that protobufjs hands over.
 * Source: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto (onnx.js and onnx.d.ts: scripts/generate-schema.sh).
 */
import protobuf from 'protobufjs/minimal.js';
import { onnx } from './onnx.js';

export type ModelProto = onnx.ModelProto.$Properties;
export type GraphProto = onnx.GraphProto.$Properties;
export type FunctionProto = onnx.FunctionProto.$Properties;
export type NodeProto = onnx.NodeProto.$Properties;
export type AttributeProto = onnx.AttributeProto.$Properties;
export type TensorProto = onnx.TensorProto.$Properties;
export type ValueInfoProto = onnx.ValueInfoProto.$Properties;

export const AttributeType = onnx.AttributeProto.AttributeType;
export const TensorDataType = onnx.TensorProto.DataType;
export const DataLocation = onnx.TensorProto.DataLocation;

/** An int64 or uint64 as protobufjs decodes it; to encode it also takes plain numbers. */
export interface Int64 {
  /** int32 */
  readonly low: number;
  /** int32, or uint32 of a uint64 */
  readonly high: number;
}

export function toBigInt(value: number | Int64): bigint {
  if (typeof value === 'number') return BigInt(value);
  return (BigInt(value.high) << 32n) | BigInt(value.low >>> 0);
}

/** Serialised ModelProto; tensors are copied once, from `rawData` into the result. */
export function encodeModelProto(message: ModelProto): Uint8Array {
  return onnx.ModelProto.encode(message).finish();
}

export function encodeTensorProto(message: TensorProto): Uint8Array {
  return onnx.TensorProto.encode(message).finish();
}

export function encodeValueInfoProto(message: ValueInfoProto): Uint8Array {
  return onnx.ValueInfoProto.encode(message).finish();
}

/** @throws Error as protobufjs has it, when the bytes are not a ModelProto. `rawData` are views into `bytes`. */
export function decodeModelProto(bytes: Uint8Array): ModelProto {
  return onnx.ModelProto.decode(createReader(bytes));
}

/** @throws Error as protobufjs has it, when the bytes are not a TensorProto. `rawData` is a view into `bytes`. */
export function decodeTensorProto(bytes: Uint8Array): TensorProto {
  return onnx.TensorProto.decode(createReader(bytes));
}

function createReader(bytes: Uint8Array): protobuf.Reader {
  return protobuf.Reader.create(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
}
