/**
 * The protobuf wire format, for changing a field of a message while every other byte stays as it was.
 * Source: https://protobuf.dev/programming-guides/encoding
 */
import { DfkdError } from '../errors.js';

export const WireType = { varint: 0, fixed64: 1, bytes: 2, startGroup: 3, endGroup: 4, fixed32: 5 } as const;

/** One field of a message as it stands in `bytes`: the tag starts at `start`, the payload is [valueStart, end). */
export interface WireField {
  readonly number: number;
  readonly wireType: number;
  readonly start: number;
  readonly valueStart: number;
  readonly end: number;
}

/** Bytes of a message in pieces, so that large tensors are copied once, at the end. */
export type Chunks = readonly Uint8Array[];

/**
 * The fields of a message in the order of the file; a group counts as one field.
 * @throws DfkdError E_PARSE where a field does not fit the message
 */
export function* wireFields(bytes: Uint8Array): Generator<WireField> {
  let position = 0;
  while (position < bytes.length) {
    const field = readField(bytes, position);
    yield field;
    position = field.end;
  }
}

/** The payload of a field of wire type `bytes`, as a view. */
export function payload(bytes: Uint8Array, field: WireField): Uint8Array {
  return bytes.subarray(field.valueStart, field.end);
}

/**
 * The message with some fields replaced: `replace` returns undefined to keep a field byte for byte, else what stands
 * in its place (nothing: the field is left out). `appended` follows the last field.
 * Returns undefined where nothing changes.
 */
export function rewriteMessage(
  bytes: Uint8Array,
  replace: (field: WireField) => Chunks | undefined,
  appended: Chunks = [],
): Chunks | undefined {
  const chunks: Uint8Array[] = [];
  let kept = 0;
  let changed = appended.length > 0;
  for (const field of wireFields(bytes)) {
    const replacement = replace(field);
    if (!replacement) continue;
    changed = true;
    if (field.start > kept) chunks.push(bytes.subarray(kept, field.start));
    for (const chunk of replacement) chunks.push(chunk);
    kept = field.end;
  }
  if (!changed) return undefined;
  return [...chunks, bytes.subarray(kept), ...appended];
}

/** A field of wire type `bytes`: a string, packed numbers or a message. */
export function encodeField(number: number, value: Chunks): Chunks {
  const length = value.reduce((sum, chunk) => sum + chunk.length, 0);
  return [encodeVarints([number * 8 + WireType.bytes, length]), ...value];
}

/** Non-negative safe integers as varints, one after the other. */
export function encodeVarints(values: Iterable<number>): Uint8Array {
  const bytes: number[] = [];
  for (const value of values) {
    let rest = value;
    for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
    bytes.push(rest);
  }
  return Uint8Array.from(bytes);
}

function readField(bytes: Uint8Array, start: number): WireField {
  const tag = readVarint(bytes, start);
  const number = Math.floor(tag.value / 8);
  const wireType = tag.value % 8;
  if (number === 0) throw new DfkdError('E_PARSE', `Field number 0 at byte ${start} is not protobuf.`);
  if (wireType === WireType.startGroup) {
    return { number, wireType, start, valueStart: tag.end, end: findGroupEnd(bytes, start) };
  }
  const { valueStart, end } = readExtent(bytes, tag.end, wireType);
  if (end > bytes.length) {
    throw new DfkdError('E_PARSE', `The field at byte ${start} needs ${end - bytes.length} more bytes.`);
  }
  return { number, wireType, start, valueStart, end };
}

/** Where the value that follows a tag begins and ends. */
function readExtent(
  bytes: Uint8Array,
  position: number,
  wireType: number,
): { valueStart: number; end: number } {
  switch (wireType) {
    case WireType.varint:
      return { valueStart: position, end: readVarint(bytes, position).end };
    case WireType.fixed64:
      return { valueStart: position, end: position + 8 };
    case WireType.fixed32:
      return { valueStart: position, end: position + 4 };
    case WireType.bytes: {
      const length = readVarint(bytes, position);
      return { valueStart: length.end, end: length.end + length.value };
    }
    default:
      throw new DfkdError('E_PARSE', `Wire type ${wireType} at byte ${position} is not protobuf.`);
  }
}

/** ONNX has no groups; protobuf's own parsers refuse any message of this depth. */
const MAX_GROUP_DEPTH = 100;

/** Groups are counted rather than followed by calls. */
function findGroupEnd(bytes: Uint8Array, start: number): number {
  let depth = 0;
  let position = start;
  do {
    const tag = readVarint(bytes, position);
    const wireType = tag.value % 8;
    if (wireType === WireType.startGroup && ++depth > MAX_GROUP_DEPTH) {
      throw new DfkdError('E_PARSE', `The groups at byte ${start} nest more than ${MAX_GROUP_DEPTH} deep.`);
    }
    if (wireType === WireType.endGroup) depth--;
    const isMark = wireType === WireType.startGroup || wireType === WireType.endGroup;
    position = isMark ? tag.end : readExtent(bytes, tag.end, wireType).end;
  } while (depth > 0);
  return position;
}

/** A varint of at most ten bytes; values beyond 2^53 lose low bits, which no length or tag of a file has. */
function readVarint(bytes: Uint8Array, start: number): { value: number; end: number } {
  let value = 0;
  for (let i = 0; i < 10; i++) {
    if (start + i >= bytes.length) {
      throw new DfkdError('E_PARSE', `The number at byte ${start} is cut off by the end of its message.`);
    }
    const byte = bytes[start + i];
    value += (byte & 0x7f) * 2 ** (7 * i);
    if (byte < 0x80) return { value, end: start + i + 1 };
  }
  throw new DfkdError('E_PARSE', `The number at byte ${start} is longer than protobuf allows.`);
}
