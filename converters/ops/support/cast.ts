import type * as tfjs from '@tensorflow/tfjs-core';
import { bfloat16ToFloat32, float16ToFloat32, float32ToBfloat16, float32ToFloat16 } from '../../half.js';
import type { DataType, Tensor } from '../../model.js';
import type { Tf } from '../define-op.js';
import { elementAt, tensorOf } from './constants.js';
import { piecewiseConstant } from './gradients.js';
import { unsupported } from './shapes.js';

/** TensorProto.DataType of onnx.proto. */
const DATA_TYPES: ReadonlyMap<number, DataType> = new Map([
  [1, 'float'],
  [2, 'uint8'],
  [3, 'int8'],
  [4, 'uint16'],
  [5, 'int16'],
  [6, 'int32'],
  [7, 'int64'],
  [9, 'bool'],
  [10, 'float16'],
  [11, 'double'],
  [12, 'uint32'],
  [13, 'uint64'],
  [16, 'bfloat16'],
]);

/** @throws DfkdError E_UNSUPPORTED for strings, complex numbers and the 8- and 4-bit floats */
export function dataTypeOf(code: number): DataType {
  const type = DATA_TYPES.get(code);
  if (type === undefined) throw unsupported(`element type ${code} is not supported.`);
  return type;
}

/** Floats to integers truncate toward zero; anything but 0 is true. */
export function castTensor(tensor: Tensor, to: DataType): readonly Tensor[] | undefined {
  if (to === tensor.type) return [tensor];
  if (to === 'float16' || to === 'bfloat16') return [roundTensor(tensor, to)];
  const elements = Array.from({ length: tensor.data.length }, (_, i) => elementAt(tensor, i));
  return [
    tensorOf(to, tensor.dims, to === 'bool' ? elements.map(Number).map((x) => Number(x !== 0)) : elements),
  ];
}

function roundTensor({ dims, data }: Tensor, to: 'float16' | 'bfloat16'): Tensor {
  const floats = Float32Array.from(data, Number);
  const rounded =
    to === 'float16'
      ? float16ToFloat32(float32ToFloat16(floats))
      : bfloat16ToFloat32(float32ToBfloat16(floats));
  return { type: to, dims, data: rounded };
}

/** Bits of the significand, with the leading one, and up to where numbers are rounded by splitting. */
const HALVES = { float16: { bits: 11, limit: 65520 }, bfloat16: { bits: 8, limit: 2 ** 100 } };

/**
 * Rounds to the nearest number of the type by Dekker's splitting (Numerische Mathematik 18, 1971). What is too large for
 * a float16 becomes infinite; a bfloat16 is as large as a float32. The gradient passes.
 */
function round(tf: Tf, input: tfjs.Tensor, to: 'float16' | 'bfloat16'): tfjs.Tensor {
  const { bits, limit } = HALVES[to];
  const straight = tf.customGrad((...args) => {
    const [x] = args as [tfjs.Tensor];
    const scaled = tf.mul(x, tf.scalar(2 ** (24 - bits) + 1));
    const rounded = tf.sub(scaled, tf.sub(scaled, x));
    const beyond = to === 'float16' ? tf.mul(x, tf.scalar(Infinity)) : x;
    const value = tf.where(tf.less(tf.abs(x), tf.scalar(limit)), rounded, beyond);
    return { value, gradFunc: (dy: tfjs.Tensor) => dy };
  });
  return straight(input);
}

/** The network computes in float32: float and double are the same to it, and the halves are rounded to. */
export function castForward(tf: Tf, x: tfjs.Tensor, to: DataType): tfjs.Tensor {
  if (to === 'float' || to === 'double') return x.dtype === 'float32' ? x : tf.cast(x, 'float32');
  if (to !== 'float16' && to !== 'bfloat16') {
    const type = to === 'bool' ? 'bool' : 'int32';
    return piecewiseConstant(tf, (value) => tf.cast(value, type), x);
  }
  return round(tf, tf.cast(x, 'float32'), to);
}
