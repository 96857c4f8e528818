import type { DataType, Tensor, TensorData } from '../../model.js';
import type { Shape } from '../define-op.js';
import { shapeError, show, sizeOf, stridesOf } from './shapes.js';

/** One element: a bigint for every integer type, so that arithmetic is exact, else a number (bool: 0 or 1). */
export type Element = number | bigint;

export function isFloating(type: DataType): boolean {
  return type === 'float' || type === 'double' || type === 'float16' || type === 'bfloat16';
}

export function isInteger(type: DataType): boolean {
  return !isFloating(type) && type !== 'bool';
}

/** Half-precision results would have to be rounded as the format does; such nodes stay in the graph. */
export function isFoldable(type: DataType): boolean {
  return type !== 'float16' && type !== 'bfloat16';
}

export function allocate(type: DataType, length: number): TensorData {
  switch (type) {
    case 'float':
    case 'float16':
    case 'bfloat16':
      return new Float32Array(length);
    case 'double':
      return new Float64Array(length);
    case 'int8':
      return new Int8Array(length);
    case 'int16':
      return new Int16Array(length);
    case 'int32':
      return new Int32Array(length);
    case 'int64':
      return new BigInt64Array(length);
    case 'uint8':
    case 'bool':
      return new Uint8Array(length);
    case 'uint16':
      return new Uint16Array(length);
    case 'uint32':
      return new Uint32Array(length);
    case 'uint64':
      return new BigUint64Array(length);
  }
}

/** The element at a flat index. */
export function elementAt(tensor: Tensor, index: number): Element {
  const value = tensor.data[index];
  return isInteger(tensor.type) ? BigInt(value) : value;
}

/** A tensor of the given elements; integers wrap to the width of the type, as in C. */
export function tensorOf(type: DataType, dims: Shape, elements: readonly Element[]): Tensor {
  const data = allocate(type, elements.length);
  elements.forEach((element, i) => {
    setElement(data, i, element);
  });
  return { type, dims, data };
}

function setElement(data: TensorData, index: number, element: Element): void {
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) {
    data[index] = typeof element === 'bigint' ? element : toBigInt(element);
  } else if (data instanceof Float32Array || data instanceof Float64Array) {
    data[index] = Number(element);
  } else {
    data[index] = Number(BigInt.asIntN(32, typeof element === 'bigint' ? element : toBigInt(element)));
  }
}

/** Truncation toward zero; what is no number becomes 0. */
function toBigInt(value: number): bigint {
  return Number.isFinite(value) ? BigInt(Math.trunc(value)) : 0n;
}

export function int64Tensor(values: readonly number[], dims: Shape = [values.length]): Tensor {
  return { type: 'int64', dims, data: BigInt64Array.from(values, BigInt) };
}

/** Elements of an integer tensor as numbers; what no number holds exactly saturates (INT64_MAX as "to the end"). */
export function toIntegers(tensor: Tensor, what: string): number[] {
  if (!isInteger(tensor.type)) throw shapeError(`its ${what} are ${tensor.type}, not integers.`);
  return Array.from(tensor.data, (value: number | bigint) =>
    Math.max(Number.MIN_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, Number(value))),
  );
}

/** The only element of a tensor, as a number. */
export function toScalar(tensor: Tensor, what: string): number {
  if (tensor.data.length !== 1) {
    throw shapeError(`its ${what} has shape ${show(tensor.dims)}, but must be a scalar.`);
  }
  return Number(tensor.data[0]);
}

/** A tensor whose element at `coordinates` is the source's at the flat index `indexOf(coordinates)`. */
export function rearrange(
  source: Tensor,
  dims: Shape,
  indexOf: (coordinates: readonly number[]) => number,
): Tensor {
  const data = allocate(source.type, sizeOf(dims));
  const coordinates = new Array<number>(dims.length).fill(0);
  for (let i = 0; i < data.length; i++) {
    copyElement(source.data, indexOf(coordinates), data, i);
    increment(coordinates, dims);
  }
  return { type: source.type, dims, data };
}

/** Both arrays are of one type. */
export function copyElement(from: TensorData, source: number, to: TensorData, target: number): void {
  to.set(from.subarray(source, source + 1) as never, target);
}

/** The next coordinates in row-major order. */
export function increment(coordinates: number[], dims: Shape): void {
  for (let axis = dims.length - 1; axis >= 0; axis--) {
    if (++coordinates[axis] < dims[axis]) return;
    coordinates[axis] = 0;
  }
}

/** For a tensor broadcast to `dims`: the flat index of its element from the coordinates of the result. */
export function broadcastIndex(shape: Shape, dims: Shape): (coordinates: readonly number[]) => number {
  const offset = dims.length - shape.length;
  const strides = stridesOf(shape).map((stride, axis) => (shape[axis] === 1 ? 0 : stride));
  return (coordinates) =>
    strides.reduce((index, stride, axis) => index + stride * coordinates[axis + offset], 0);
}

/** Applies `compute` element by element to tensors broadcast to `dims`. */
export function mapElements(
  inputs: readonly Tensor[],
  type: DataType,
  dims: Shape,
  compute: (...elements: Element[]) => Element,
): Tensor {
  const indices = inputs.map((input) => broadcastIndex(input.dims, dims));
  const coordinates = new Array<number>(dims.length).fill(0);
  const elements: Element[] = [];
  for (let i = sizeOf(dims); i > 0; i--) {
    elements.push(compute(...inputs.map((input, k) => elementAt(input, indices[k](coordinates)))));
    increment(coordinates, dims);
  }
  return tensorOf(type, dims, elements);
}
