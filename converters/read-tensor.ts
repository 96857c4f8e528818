import { countElements } from './encode.js';
import { DfkdError } from './errors.js';
import { bfloat16ToFloat32, float16ToFloat32 } from './half.js';
import type { DataType, Tensor, TensorData } from './model.js';
import {
  DataLocation,
  decodeTensorProto,
  TensorDataType,
  toBigInt,
  type Int64,
  type TensorProto,
} from './schema/index.js';

/** The bytes of a tensor stored outside the model file, from the tensor's `external_data` entries. */
export type ExternalReader = (tensor: TensorProto, what: string, byteLength: number) => Uint8Array;

const MAX_RANK = 64;

/** The typed array that holds an element type's stored form, float16 and bfloat16 as bits. */
const STORAGE = {
  float: Float32Array,
  double: Float64Array,
  float16: Uint16Array,
  bfloat16: Uint16Array,
  int8: Int8Array,
  int16: Int16Array,
  int32: Int32Array,
  int64: BigInt64Array,
  uint8: Uint8Array,
  uint16: Uint16Array,
  uint32: Uint32Array,
  uint64: BigUint64Array,
  bool: Uint8Array,
} satisfies Record<DataType, unknown>;

/** A serialised TensorProto, such as the `.pb` files of ONNX's own tests. @throws DfkdError E_TENSOR, E_UNSUPPORTED */
export function decodeTensor(bytes: Uint8Array): Tensor {
  return toTensor(decodeTensorProto(bytes), 'The tensor', refuseExternal);
}

export function refuseExternal(_: TensorProto, what: string): never {
  throw new DfkdError(
    'E_EXTERNAL',
    `${what} is stored outside the model, and the model's folder is not known.`,
  );
}

/**
 * Decodes a TensorProto in any of its storage forms; `what` names it in messages. `data` is a view of the file where
 * alignment allows.
 */
export function toTensor(proto: TensorProto, what: string, readExternal: ExternalReader): Tensor {
  const type = toDataType(proto.dataType ?? 0, what);
  if (proto.segment)
    throw new DfkdError('E_UNSUPPORTED', `${what} is stored in segments, which is not supported.`);
  const dims = toDims(proto.dims ?? [], what);
  const count = countElements(dims);
  const described = `${what}, ${type}[${dims.join(',')}],`;
  const raw = readRaw(proto, STORAGE[type].BYTES_PER_ELEMENT * count, described, readExternal);
  if (!raw) return { type, dims, data: widen(readTyped(proto, type, count, described), type) };
  const load = (bytes: Uint8Array): TensorData => {
    const elements = bytes.length / STORAGE[type].BYTES_PER_ELEMENT;
    return widen(viewAs(STORAGE[type], bytes, elements), type);
  };
  const isView = !isHalf(type) && raw.byteOffset % STORAGE[type].BYTES_PER_ELEMENT === 0;
  return isView ? { type, dims, data: load(raw) } : copiedWhenRead(type, dims, raw, load);
}

/** Bytes and how to decode a part of them, for tensors whose elements were not asked for yet. */
const UNREAD = new WeakMap<
  Tensor,
  { readonly raw: Uint8Array; readonly load: (bytes: Uint8Array) => TensorData }
>();

/** Elements that cannot be a view of the file are copied when they are first asked for: inspection asks for few. */
function copiedWhenRead(
  type: DataType,
  dims: readonly number[],
  raw: Uint8Array,
  load: (bytes: Uint8Array) => TensorData,
): Tensor {
  let data: TensorData | undefined;
  const tensor: Tensor = {
    type,
    dims,
    get data() {
      // The bytes are held by the map alone: what is read no longer keeps the file.
      data ??= load(UNREAD.get(tensor)!.raw);
      UNREAD.delete(tensor);
      return data;
    },
  };
  UNREAD.set(tensor, { raw, load });
  return tensor;
}

/** Divides into elements of every size. */
const PART_BYTES = 2 ** 16;

/** A tensor's elements in order, part by part, without keeping a copy of them all. */
export function* partsOf(tensor: Tensor): Generator<TensorData> {
  const unread = UNREAD.get(tensor);
  if (!unread) {
    yield tensor.data;
    return;
  }
  for (let start = 0; start < unread.raw.length; start += PART_BYTES) {
    yield unread.load(unread.raw.subarray(start, start + PART_BYTES));
  }
}

function isHalf(type: DataType): boolean {
  return type === 'float16' || type === 'bfloat16';
}

/** The DataType of a TensorProto.DataType number. */
export function toDataType(number: number, what: string): DataType {
  const name = TensorDataType[number] as string | undefined;
  if (name === undefined || name === 'UNDEFINED') {
    throw new DfkdError('E_TENSOR', `${what} has the unknown data type ${number}.`);
  }
  const type = name.toLowerCase();
  if (!(type in STORAGE)) {
    throw new DfkdError('E_UNSUPPORTED', `${what} is a tensor of type ${name}, which is not supported.`);
  }
  return type as DataType;
}

function toDims(dims: readonly (number | Int64)[], what: string): number[] {
  if (dims.length > MAX_RANK) {
    throw new DfkdError('E_TENSOR', `${what} has rank ${dims.length}; at most ${MAX_RANK} is supported.`);
  }
  return dims.map((dim) => {
    const size = toBigInt(dim);
    if (size < 0n) throw new DfkdError('E_TENSOR', `${what} has the negative dimension ${size}.`);
    if (size > Number.MAX_SAFE_INTEGER) throw new DfkdError('E_TENSOR', `${what} has the dimension ${size}.`);
    return Number(size);
  });
}

/** Elements as little-endian bytes, outside the file or in raw_data; undefined where a typed field has them. */
function readRaw(
  proto: TensorProto,
  byteLength: number,
  what: string,
  readExternal: ExternalReader,
): Uint8Array | undefined {
  if (proto.dataLocation === DataLocation.EXTERNAL) return readExternal(proto, what, byteLength);
  if (!proto.rawData?.length) return undefined;
  if (proto.rawData.length !== byteLength) {
    throw new DfkdError('E_TENSOR', `${what} needs ${byteLength} bytes, but has ${proto.rawData.length}.`);
  }
  return proto.rawData;
}

function readTyped(proto: TensorProto, type: DataType, count: number, what: string): TensorData {
  const Storage = STORAGE[type];
  const values = typedField(proto, type);
  if (values.length !== count) {
    throw new DfkdError('E_TENSOR', `${what} needs ${count} values, but has ${values.length}.`);
  }
  if (Storage === BigInt64Array) return BigInt64Array.from(values, toBigInt);
  if (Storage === BigUint64Array) return BigUint64Array.from(values, toBigInt);
  return (Storage as typeof Float32Array).from(values, toPlainNumber);
}

/** Which field holds a type's elements when raw_data does not; onnx.proto documents it at each field. */
function typedField(proto: TensorProto, type: DataType): readonly (number | Int64)[] {
  switch (type) {
    case 'float':
      return proto.floatData ?? [];
    case 'double':
      return proto.doubleData ?? [];
    case 'int64':
      return proto.int64Data ?? [];
    case 'uint32':
    case 'uint64':
      return proto.uint64Data ?? [];
    default:
      return proto.int32Data ?? [];
  }
}

function toPlainNumber(value: number | Int64): number {
  return typeof value === 'number' ? value : Number(toBigInt(value));
}

type StorageConstructor = (typeof STORAGE)[DataType];

/** Little-endian elements as a typed array; copied where `bytes` is not aligned. */
function viewAs(Storage: StorageConstructor, bytes: Uint8Array, count: number): TensorData {
  const isAligned = bytes.byteOffset % Storage.BYTES_PER_ELEMENT === 0;
  const { buffer, byteOffset } = isAligned ? bytes : new Uint8Array(bytes);
  return new Storage(buffer as ArrayBuffer, byteOffset, count);
}

function widen(stored: TensorData, type: DataType): TensorData {
  if (type === 'float16') return float16ToFloat32(stored as Uint16Array);
  if (type === 'bfloat16') return bfloat16ToFloat32(stored as Uint16Array);
  if (type === 'bool') return (stored as Uint8Array).map((value) => (value === 0 ? 0 : 1));
  return stored;
}
