import type * as tfjs from '@tensorflow/tfjs-core';
import type { DataType, Tensor } from '../../model.js';
import type { Tf } from '../define-op.js';
import { elementAt, isFloating, isFoldable, tensorOf } from './constants.js';
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
  if (!isFoldable(to)) return undefined;
  const elements = Array.from({ length: tensor.data.length }, (_, i) => elementAt(tensor, i));
  return [
    tensorOf(to, tensor.dims, to === 'bool' ? elements.map(Number).map((x) => Number(x !== 0)) : elements),
  ];
}

/** The network computes in float32: all floating types are the same to it. */
export function castForward(tf: Tf, x: tfjs.Tensor, to: DataType): tfjs.Tensor {
  if (isFloating(to)) return x.dtype === 'float32' ? x : tf.cast(x, 'float32');
  const type = to === 'bool' ? 'bool' : 'int32';
  return piecewiseConstant(tf, (value) => tf.cast(value, type), x);
}
