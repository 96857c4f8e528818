import { DfkdError } from './errors.js';
import { float32ToBfloat16, float32ToFloat16 } from './half.js';
import type { DataType, Tensor } from './model.js';
import {
  AttributeType,
  encodeModelProto,
  encodeTensorProto,
  encodeValueInfoProto,
  TensorDataType,
  type AttributeProto,
  type NodeProto,
  type TensorProto,
  type ValueInfoProto,
} from './schema/index.js';

/** A plain number is an INT, an array of plain numbers INTS; floats say so. */
export type AttributeSpec =
  | number
  | readonly number[]
  | string
  | { readonly float: number }
  | { readonly floats: readonly number[] }
  | Tensor;

export interface NodeSpec {
  readonly opType: string;
  readonly domain?: string;
  readonly name?: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: Readonly<Record<string, AttributeSpec>>;
}

/** A string is a symbolic dimension. */
export interface ValueSpec {
  readonly name: string;
  readonly type: DataType;
  readonly shape: readonly (number | string)[];
}

export interface GraphSpec {
  /** Version of the default operator set. */
  readonly opset: number;
  /** Versions of other operator sets by domain, such as `{ 'com.microsoft': 1 }`. */
  readonly opsets?: Readonly<Record<string, number>>;
  readonly irVersion: number;
  readonly name?: string;
  readonly producer?: string;
  readonly nodes: readonly NodeSpec[];
  readonly initializers: ReadonlyMap<string, Tensor>;
  readonly inputs: readonly ValueSpec[];
  readonly outputs: readonly ValueSpec[];
}

/** A new model's bytes. Tensors are stored as raw_data, copied once. */
export function encodeModel(spec: GraphSpec): Uint8Array {
  const opsets = Object.entries({ '': spec.opset, ...spec.opsets });
  return encodeModelProto({
    irVersion: spec.irVersion,
    producerName: spec.producer ?? 'onnx-dfkd',
    opsetImport: opsets.map(([domain, version]) => ({ domain, version })),
    graph: {
      name: spec.name ?? 'graph',
      node: spec.nodes.map(toNodeProto),
      initializer: [...spec.initializers].map(([name, tensor]) => ({ name, ...toTensorProto(tensor) })),
      input: spec.inputs.map(toValueInfoProto),
      output: spec.outputs.map(toValueInfoProto),
    },
  });
}

/** A serialised TensorProto. */
export function encodeTensor(tensor: Tensor, name: string): Uint8Array {
  return encodeTensorProto({ ...toTensorProto(tensor), name });
}

/** A serialised ValueInfoProto. */
export function encodeValueInfo(value: ValueSpec): Uint8Array {
  return encodeValueInfoProto(toValueInfoProto(value));
}

/** The elements as raw_data has them: little-endian, row-major. A view of `tensor.data` where types allow. */
export function toRawData(tensor: Tensor): Uint8Array {
  const { type, data } = tensor;
  const stored =
    type === 'float16'
      ? float32ToFloat16(data as Float32Array)
      : type === 'bfloat16'
        ? float32ToBfloat16(data as Float32Array)
        : data;
  return Buffer.from(stored.buffer, stored.byteOffset, stored.byteLength);
}

/** Number of elements of a tensor of these dims, 1 for a scalar. @throws DfkdError E_TENSOR unless it is exact. */
export function countElements(dims: readonly number[]): number {
  // A zero anywhere makes the product zero, whatever the other dims are.
  const count = dims.includes(0) ? 0 : dims.reduce((product, dim) => product * dim, 1);
  if (!Number.isSafeInteger(count) || dims.some((dim) => !Number.isSafeInteger(dim) || dim < 0)) {
    throw new DfkdError('E_TENSOR', `The tensor dims [${dims.join(', ')}] are not a possible size.`);
  }
  return count;
}

function toNodeProto(node: NodeSpec): NodeProto {
  return {
    opType: node.opType,
    domain: node.domain ?? null,
    name: node.name ?? null,
    input: [...node.inputs],
    output: [...node.outputs],
    attribute: Object.entries(node.attributes ?? {}).map(([name, value]) => toAttributeProto(name, value)),
  };
}

function toAttributeProto(name: string, value: AttributeSpec): AttributeProto {
  if (typeof value === 'number') return { name, type: AttributeType.INT, i: value };
  if (typeof value === 'string') return { name, type: AttributeType.STRING, s: Buffer.from(value) };
  if ('float' in value) return { name, type: AttributeType.FLOAT, f: value.float };
  if ('floats' in value) return { name, type: AttributeType.FLOATS, floats: [...value.floats] };
  if ('data' in value) return { name, type: AttributeType.TENSOR, t: toTensorProto(value) };
  return { name, type: AttributeType.INTS, ints: [...value] };
}

function toTensorProto(tensor: Tensor): TensorProto {
  if (countElements(tensor.dims) !== tensor.data.length) {
    throw new DfkdError(
      'E_TENSOR',
      `A tensor of dims [${tensor.dims.join(', ')}] cannot hold ${tensor.data.length} elements.`,
    );
  }
  return { dims: [...tensor.dims], dataType: toTypeNumber(tensor.type), rawData: toRawData(tensor) };
}

function toValueInfoProto(value: ValueSpec): ValueInfoProto {
  const dim = value.shape.map((size) => (typeof size === 'number' ? { dimValue: size } : { dimParam: size }));
  return { name: value.name, type: { tensorType: { elemType: toTypeNumber(value.type), shape: { dim } } } };
}

function toTypeNumber(type: DataType): number {
  return TensorDataType[type.toUpperCase() as keyof typeof TensorDataType];
}
