import { DfkdError } from '../../errors.js';
import type { Shape } from '../define-op.js';

/** Elements of the largest tensor a network may hold: 8 GiB of float32. */
const MAX_ELEMENTS = 2 ** 31;

export function shapeError(message: string): DfkdError {
  return new DfkdError('E_SHAPE', message);
}

export function attributeError(message: string): DfkdError {
  return new DfkdError('E_ATTR', message);
}

export function unsupported(message: string): DfkdError {
  return new DfkdError('E_UNSUPPORTED', message);
}

export function show(shape: Shape): string {
  return `[${shape.join(', ')}]`;
}

/**
 * Number of elements.
 * @throws DfkdError E_SHAPE for a dimension that is no size, E_LIMIT where the tensor could not be held
 */
export function sizeOf(shape: Shape): number {
  let size = 1;
  for (const dim of shape) {
    if (!Number.isSafeInteger(dim) || dim < 0) throw shapeError(`${show(shape)} is not a shape.`);
    size *= dim;
  }
  if (size > MAX_ELEMENTS) {
    throw new DfkdError(
      'E_LIMIT',
      `a tensor ${show(shape)} would need ${((size * 4) / 2 ** 30).toPrecision(3)} GiB; at most 8 GiB are allowed.`,
    );
  }
  return size;
}

/** `axis` counted from the front; -1 is the last. `end` is one past the largest valid axis (default: the rank). */
export function normalizeAxis(axis: number, rank: number, end: number = rank): number {
  const normalized = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(axis) || normalized < 0 || normalized >= end) {
    throw attributeError(`axis ${axis} is out of range for rank ${rank}.`);
  }
  return normalized;
}

/** Axes counted from the front, ascending; each may be given once. */
export function normalizeAxes(axes: readonly number[], rank: number): number[] {
  const normalized = axes.map((axis) => normalizeAxis(axis, rank)).sort((a, b) => a - b);
  if (new Set(normalized).size !== axes.length) throw attributeError(`axes ${show(axes)} repeat one.`);
  return normalized;
}

/** Multidirectional broadcasting, https://onnx.ai/onnx/repo-docs/Broadcasting.html. */
export function broadcastShapes(...shapes: readonly Shape[]): number[] {
  const rank = Math.max(...shapes.map((shape) => shape.length));
  return Array.from({ length: rank }, (_, axis) => {
    const dims = shapes.map((shape) => shape[shape.length - rank + axis] ?? 1);
    const dim = dims.find((d) => d !== 1) ?? 1;
    if (dims.some((d) => d !== 1 && d !== dim)) {
      throw shapeError(`shapes ${shapes.map(show).join(' and ')} do not broadcast.`);
    }
    return dim;
  });
}

/** Row-major strides in elements. */
export function stridesOf(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = stride;
    stride *= shape[axis];
  }
  return strides;
}
