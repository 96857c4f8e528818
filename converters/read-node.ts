import { DfkdError } from './errors.js';
import type { Attribute, Node, Tensor } from './model.js';
import { toTensor, type ExternalReader } from './read-tensor.js';
import { AttributeType, toBigInt, type AttributeProto, type Int64, type NodeProto } from './schema/index.js';

export function toNode(proto: NodeProto, readExternal: ExternalReader): Node {
  const opType = proto.opType ?? '';
  const outputs = proto.output ?? [];
  const named = [proto.name, `${opType} -> ${outputs.find((name) => name !== '') ?? 'nothing'}`];
  const label = named.find(Boolean)!;
  if (opType === '') throw new DfkdError('E_MODEL', `Node '${label}' has no operator type.`);
  return {
    label,
    opType,
    domain: toDomain(proto.domain),
    inputs: proto.input ?? [],
    outputs,
    attributes: toAttributes(proto.attribute ?? [], `Node '${label}'`, readExternal),
  };
}

/** 'ai.onnx' is the default domain's other name. */
export function toDomain(domain: string | null | undefined): string {
  return domain === 'ai.onnx' ? '' : (domain ?? '');
}

export function toAttributes(
  protos: readonly AttributeProto[],
  owner: string,
  readExternal: ExternalReader,
): Map<string, Attribute> {
  const attributes = new Map<string, Attribute>();
  for (const proto of protos) {
    const name = proto.name ?? '';
    if (attributes.has(name)) throw new DfkdError('E_ATTR', `${owner} gives the attribute '${name}' twice.`);
    attributes.set(name, toAttribute(proto, `${owner}: attribute '${name}'`, readExternal));
  }
  return attributes;
}

/** The value a Constant node stores, whichever attribute it uses; undefined where it is not a numeric tensor. */
export function toConstant(node: Node): Tensor | undefined {
  for (const [name, { kind, value }] of node.attributes) {
    if (name === 'value' && kind === 'tensor') return value;
    if (name === 'value_float' && kind === 'float') return float([], [value]);
    if (name === 'value_floats' && kind === 'floats') return float([value.length], value);
    if (name === 'value_int' && kind === 'int') return int64([], [value]);
    if (name === 'value_ints' && kind === 'ints') return int64([value.length], value);
  }
  return undefined;
}

const float = (dims: readonly number[], values: readonly number[]): Tensor => ({
  type: 'float',
  dims,
  data: Float32Array.from(values),
});

const int64 = (dims: readonly number[], values: readonly number[]): Tensor => ({
  type: 'int64',
  dims,
  data: BigInt64Array.from(values, BigInt),
});

function toAttribute(proto: AttributeProto, what: string, readExternal: ExternalReader): Attribute {
  if (proto.refAttrName) return { kind: 'reference', value: proto.refAttrName };
  switch (proto.type) {
    case AttributeType.INT:
      return { kind: 'int', value: toSafeInteger(proto.i ?? 0, what) };
    case AttributeType.FLOAT:
      return { kind: 'float', value: proto.f ?? 0 };
    case AttributeType.STRING:
      return { kind: 'string', value: toText(proto.s ?? new Uint8Array()) };
    case AttributeType.INTS:
      return { kind: 'ints', value: (proto.ints ?? []).map((value) => toSafeInteger(value, what)) };
    case AttributeType.FLOATS:
      return { kind: 'floats', value: proto.floats ?? [] };
    case AttributeType.STRINGS:
      return { kind: 'strings', value: (proto.strings ?? []).map(toText) };
    case AttributeType.TENSOR:
      return toTensorAttribute(proto, what, readExternal);
    case undefined:
    case null:
    case AttributeType.UNDEFINED:
      throw new DfkdError('E_ATTR', `${what} has no type.`);
    default:
      return { kind: 'other', value: AttributeType[proto.type] };
  }
}

function toTensorAttribute(proto: AttributeProto, what: string, readExternal: ExternalReader): Attribute {
  if (!proto.t) throw new DfkdError('E_ATTR', `${what} is a tensor without a value.`);
  try {
    return { kind: 'tensor', value: toTensor(proto.t, what, readExternal) };
  } catch (error) {
    // A type we cannot read does no harm until an operator asks for the attribute.
    if (error instanceof DfkdError && error.code === 'E_UNSUPPORTED')
      return { kind: 'other', value: 'TENSOR' };
    throw error;
  }
}

const INT64_MAX = 2n ** 63n - 1n;

function toSafeInteger(value: number | Int64, what: string): number {
  const exact = toBigInt(value);
  if (exact === INT64_MAX) return Number.MAX_SAFE_INTEGER;
  if (exact === -INT64_MAX || exact === -INT64_MAX - 1n) return Number.MIN_SAFE_INTEGER;
  const number = Number(exact);
  if (Number.isSafeInteger(number)) return number;
  throw new DfkdError('E_ATTR', `${what} has the value ${exact}, which is out of range.`);
}

function toText(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
}
