import { toRawData } from './encode.js';
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
 * double_data and int32_data stay what they are, external data moves into the message. All other fields are kept.
 */
export function patchTensor(bytes: Uint8Array, tensor: Tensor): Chunks {
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

/** A serialised AttributeProto of a Constant node (`value`, `value_float` or `value_floats`) with other elements. */
export function patchConstant(bytes: Uint8Array, name: string, tensor: Tensor): Chunks | undefined {
  const { f, t, floats } = { f: 2, t: 5, floats: 7 };
  switch (name) {
    case 'value':
      return rewriteMessage(bytes, (field) =>
        field.number === t ? encodeField(t, patchTensor(payload(bytes, field), tensor)) : undefined,
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
