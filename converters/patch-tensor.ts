import { toRawData } from './encode.js';
import type { ExternalPlace } from './external-layout.js';
import type { Tensor } from './model.js';
import {
  encodeField,
  encodeVarints,
  payload,
  rewriteMessage,
  wireFields,
  WireType,
  type Chunks,
  type WireField,
} from './schema/wire.js';

/** Field numbers of TensorProto. */
const TensorField = {
  floatData: 4,
  int32Data: 5,
  int64Data: 7,
  rawData: 9,
  doubleData: 10,
  uint64Data: 11,
  externalData: 13,
  dataLocation: 14,
} as const;

const DATA_FIELDS: ReadonlySet<number> = new Set([
  TensorField.floatData,
  TensorField.int32Data,
  TensorField.int64Data,
  TensorField.rawData,
  TensorField.doubleData,
  TensorField.uint64Data,
]);
const EXTERNAL_FIELDS: ReadonlySet<number> = new Set([TensorField.externalData, TensorField.dataLocation]);

/**
 * A serialised TensorProto with other elements of the same type and dims: raw data stays raw, float_data,
 * double_data and int32_data stay what they are. External data moves into the message, or to another `place`. All
 * other fields are kept.
 */
export function patchTensor(bytes: Uint8Array, tensor: Tensor, place?: ExternalPlace): Chunks {
  return place ? movePlace(bytes, place) : replaceData(bytes, tensor);
}

function replaceData(bytes: Uint8Array, tensor: Tensor): Chunks {
  const fields = [...wireFields(bytes)];
  const isExternal = fields.some(({ number }) => EXTERNAL_FIELDS.has(number));
  const isRaw = fields.some((field) => field.number === TensorField.rawData && field.end > field.valueStart);
  const place = fields.find(({ number }) => DATA_FIELDS.has(number));
  const data = isRaw || isExternal || !place ? rawField(tensor) : typedField(tensor);
  const replace = ({ number, start }: WireField) => {
    if (start === place?.start) return data;
    return DATA_FIELDS.has(number) || EXTERNAL_FIELDS.has(number) ? [] : undefined;
  };
  return rewriteMessage(bytes, replace, place ? [] : data) ?? [bytes];
}

/** Entries that other software added stay, but for a checksum, which was that of the former file. */
function movePlace(bytes: Uint8Array, { location, offset, length }: ExternalPlace): Chunks {
  const replaced = new Set(['location', 'offset', 'length', 'checksum']);
  const entries = Object.entries({ location, offset: String(offset), length: String(length) });
  let fresh: Chunks = entries.flatMap(([key, value]) =>
    encodeField(TensorField.externalData, [
      ...encodeField(1, [Buffer.from(key)]),
      ...encodeField(2, [Buffer.from(value)]),
    ]),
  );
  const moved = rewriteMessage(bytes, (field) => {
    if (field.number !== TensorField.externalData) return undefined;
    const entry = payload(bytes, field);
    const key = [...wireFields(entry)].findLast(({ number }) => number === 1);
    if (!replaced.has(key ? Buffer.from(payload(entry, key)).toString('utf8') : '')) return undefined;
    const now = fresh;
    fresh = [];
    return now;
  });
  return moved ?? [bytes];
}

/** A serialised AttributeProto of a Constant node (`value`, `value_float` or `value_floats`) with other elements. */
export function patchConstant(
  bytes: Uint8Array,
  name: string,
  tensor: Tensor,
  place?: ExternalPlace,
): Chunks | undefined {
  const { f, t, floats } = { f: 2, t: 5, floats: 7 };
  switch (name) {
    case 'value':
      return rewriteMessage(bytes, (field) =>
        field.number === t ? encodeField(t, patchTensor(payload(bytes, field), tensor, place)) : undefined,
      );
    case 'value_float':
      return rewriteMessage(bytes, ({ number }) =>
        number === f ? [encodeVarints([f * 8 + WireType.fixed32]), toRawData(tensor)] : undefined,
      );
    case 'value_floats': {
      const rest = rewriteMessage(bytes, ({ number }) => (number === floats ? [] : undefined)) ?? [bytes];
      return [...rest, ...encodeField(floats, [toRawData(tensor)])];
    }
    default:
      return undefined;
  }
}

function rawField(tensor: Tensor): Chunks {
  return encodeField(TensorField.rawData, [toRawData(tensor)]);
}

/** Packed floats and doubles have the form of raw data; 16-bit floats are varints of their bits. */
function typedField(tensor: Tensor): Chunks {
  const raw = toRawData(tensor);
  if (tensor.type === 'float') return encodeField(TensorField.floatData, [raw]);
  if (tensor.type === 'double') return encodeField(TensorField.doubleData, [raw]);
  const bits = new Uint16Array(new Uint8Array(raw).buffer);
  return encodeField(TensorField.int32Data, [encodeVarints(bits)]);
}
