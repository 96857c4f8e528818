/**
 * What protobuf decoders let pass and a reader of strangers' files should not: known fields of another wire type (they
 * would be dropped), a message field given twice (the two would be merged), and small files that decode to gigabytes.
 * Source: onnx.proto beside this file; https://protobuf.dev/programming-guides/encoding
 */
import { DfkdError } from '../errors.js';
import { payload, wireFields, WireType, type WireField } from './wire.js';

/** How a field is stored: a scalar, a repeated number (packed or not), text or bytes, or messages. */
type Kind = 'varint' | 'varints' | 'float' | 'floats' | 'doubles' | 'bytes' | 'opaque' | MessageKind;

interface MessageKind {
  readonly message: string;
  readonly repeated: boolean;
}

const one = (message: string): MessageKind => ({ message, repeated: false });
const many = (message: string): MessageKind => ({ message, repeated: true });

/** The fields by number; `opaque` are messages whose content is of no use here. */
const MESSAGES: Readonly<Record<string, Readonly<Record<number, Kind>>>> = {
  Model: {
    ...fields('varint', 1, 5),
    ...fields('bytes', 2, 3, 4, 6),
    7: one('Graph'),
    8: many('OperatorSet'),
    14: many('Entry'),
    20: many('Training'),
    25: many('Function'),
    26: 'opaque',
  },
  Graph: {
    1: many('Node'),
    ...fields('bytes', 2, 10),
    5: many('Tensor'),
    ...fields(many('ValueInfo'), 11, 12, 13),
    14: 'opaque',
    15: many('SparseTensor'),
    16: many('Entry'),
  },
  Node: { ...fields('bytes', 1, 2, 3, 4, 6, 7, 8), 5: many('Attribute'), 9: many('Entry'), 10: 'opaque' },
  Attribute: {
    ...fields('bytes', 1, 4, 9, 13, 21),
    2: 'float',
    ...fields('varint', 3, 20),
    5: one('Tensor'),
    6: one('Graph'),
    7: 'floats',
    8: 'varints',
    10: many('Tensor'),
    11: many('Graph'),
    ...fields('opaque', 14, 15),
    22: one('SparseTensor'),
    23: many('SparseTensor'),
  },
  Tensor: {
    ...fields('varints', 1, 5, 7, 11),
    ...fields('varint', 2, 14),
    3: 'opaque',
    4: 'floats',
    ...fields('bytes', 6, 8, 9, 12),
    10: 'doubles',
    ...fields(many('Entry'), 13, 16),
  },
  SparseTensor: { ...fields(one('Tensor'), 1, 2), 3: 'varints' },
  ValueInfo: { ...fields('bytes', 1, 3), 2: one('Type'), 4: many('Entry') },
  Type: { 1: one('TensorType'), ...fields('opaque', 4, 5, 7, 8, 9), 6: 'bytes' },
  TensorType: { 1: 'varint', 2: one('Shape') },
  Shape: { 1: many('Dimension') },
  Dimension: { 1: 'varint', ...fields('bytes', 2, 3) },
  OperatorSet: { 1: 'bytes', 2: 'varint' },
  Entry: fields('bytes', 1, 2),
  Training: { ...fields(one('Graph'), 1, 2), ...fields(many('Entry'), 3, 4) },
  Function: {
    ...fields('bytes', 1, 4, 5, 6, 8, 10, 13),
    7: many('Node'),
    9: many('OperatorSet'),
    11: many('Attribute'),
    12: many('ValueInfo'),
    14: many('Entry'),
  },
};

function fields(kind: Kind, ...numbers: number[]): Record<number, Kind> {
  return Object.fromEntries(numbers.map((number) => [number, kind]));
}

/** The decoder refuses what nests deeper. */
const MAX_DEPTH = 100;

/** Of the objects that a file decodes to, tensors stored as bytes apart: a real model's are a few MiB. */
const MAX_DECODED_BYTES = 2 ** 30;

/** About what V8 takes for a decoded message, a string, and a 64-bit integer (an object of two halves). */
const BYTES_OF = { message: 256, text: 64, integer: 48 } as const;

const WIRE_TYPES = {
  varint: [WireType.varint],
  varints: [WireType.varint, WireType.bytes],
  float: [WireType.fixed32],
  floats: [WireType.fixed32, WireType.bytes],
  doubles: [WireType.fixed64, WireType.bytes],
  bytes: [WireType.bytes],
  opaque: [WireType.bytes],
} as const;

/**
 * Checks a serialised ModelProto to its last field.
 * @returns the first message given twice where there can be one, in words; damage that only decoding finds looks like it
 * @throws DfkdError E_PARSE (damage, wire types), E_LIMIT (would not fit memory)
 */
export function checkWire(bytes: Uint8Array): string | undefined {
  let decoded = 0;
  let repeated: string | undefined;

  const checkMessage = (message: Uint8Array, type: string, depth: number): void => {
    if (depth > MAX_DEPTH) return;
    const kinds = MESSAGES[type];
    const seen = new Set<number>();
    for (const field of wireFields(message)) {
      const kind = kinds[field.number] as Kind | undefined;
      if (kind === undefined) continue;
      checkWireType(field, kind, type);
      decoded += decodedSize(message, field, kind);
      if (decoded > MAX_DECODED_BYTES) {
        throw new DfkdError(
          'E_LIMIT',
          `The model decodes to more than ${MAX_DECODED_BYTES} bytes of nodes and numbers.`,
        );
      }
      if (typeof kind === 'string') continue;
      if (!kind.repeated && seen.has(field.number)) repeated ??= `${type} gives its ${kind.message} twice`;
      seen.add(field.number);
      checkMessage(payload(message, field), kind.message, depth + 1);
    }
  };
  checkMessage(bytes, 'Model', 1);
  return repeated;
}

function checkWireType({ number, wireType }: WireField, kind: Kind, type: string): void {
  const allowed: readonly number[] = typeof kind === 'string' ? WIRE_TYPES[kind] : WIRE_TYPES.bytes;
  if (allowed.includes(wireType)) return;
  throw new DfkdError(
    'E_PARSE',
    `Field ${number} of ${type} has the wire type ${wireType}, not ${allowed.join(' or ')}.`,
  );
}

function decodedSize(message: Uint8Array, field: WireField, kind: Kind): number {
  const length = field.end - field.valueStart;
  switch (kind) {
    case 'varint':
    case 'float':
      return 0;
    case 'varints':
      return (
        BYTES_OF.integer * (field.wireType === WireType.varint ? 1 : countVarints(payload(message, field)))
      );
    case 'floats':
    case 'doubles':
      // An array of doubles, which grows by half whenever it is full.
      return kind === 'floats' ? 3 * length : 1.5 * length;
    case 'bytes':
      return BYTES_OF.text;
    case 'opaque':
      return BYTES_OF.message + BYTES_OF.text * length;
    default:
      return BYTES_OF.message;
  }
}

/** The last byte of a varint is below 128. */
function countVarints(bytes: Uint8Array): number {
  let count = 0;
  for (const byte of bytes) if (byte < 0x80) count++;
  return count;
}
