import type * as tfjs from '@tensorflow/tfjs-core';
import type { Tensor } from '../../model.js';
import {
  defineOp,
  flag,
  optionalInts,
  type OpDefinition,
  type Shape,
  type ShapeContext,
  type Tf,
} from '../define-op.js';
import { integersOf } from './axes.js';
import { elementAt, increment, isFoldable, tensorOf, type Element } from './constants.js';
import { normalizeAxes, sizeOf, stridesOf } from './shapes.js';

interface Reduction {
  readonly since: readonly number[];
  /** Opset at which the axes became an input. */
  readonly axesInput: number;
  /** What the reduction of no elements yields; absent: it cannot be reduced. */
  readonly identity?: number;
  /** Keeps the axes, with size 1. */
  readonly forward: (tf: Tf, x: tfjs.Tensor, axes: number[]) => tfjs.Tensor;
  /** Reduces the elements that meet in one of the result; absent: not folded. */
  readonly reduce?: (a: Element, b: Element) => Element;
}

interface ReductionAttributes {
  readonly axes: readonly number[] | undefined;
  readonly noop_with_empty_axes: number;
}

/** Reduces over axes, by default all; `noop_with_empty_axes` makes no axes mean none. */
export function reduction(
  opType: string,
  { since, axesInput, forward, reduce, identity }: Reduction,
): OpDefinition {
  return defineOp(opType, {
    since,
    inputs: [1, 2],
    outputs: [1, 1],
    constantInputs: [1],
    attributes: {
      axes: optionalInts({ before: axesInput }),
      keepdims: flag(1),
      noop_with_empty_axes: flag(0, { since: axesInput }),
    },
    shape([x], attributes, context) {
      const axes = reducedAxes(x, attributes, context);
      const kept = x.map((dim, axis) => (axes.includes(axis) ? 1 : dim));
      return [attributes.keepdims === 1 ? kept : x.filter((_, axis) => !axes.includes(axis))];
    },
    fold([x], attributes, context) {
      if (!reduce || !isFoldable(x.type) || x.data.length === 0) return undefined;
      return [reduceTensor(x, reducedAxes(x.dims, attributes, context), context.outputShapes[0], reduce)];
    },
    forward(tf, [x], attributes, context) {
      const axes = reducedAxes(x.shape, attributes, context);
      if (x.size === 0 && identity !== undefined) {
        return [nothing(tf, context.outputShapes[0], identity, x.dtype)];
      }
      // What is done to single elements is done without axes too.
      const kept = forward(tf, x, axes);
      return [attributes.keepdims === 1 ? kept : tf.reshape(kept, [...context.outputShapes[0]])];
    },
  });
}

/** What is left of no elements; of bools the least is false, the largest true. */
function nothing(tf: Tf, shape: Shape, identity: number, type: tfjs.DataType): tfjs.Tensor {
  if (type === 'bool') return tf.cast(tf.fill([...shape], identity > 0 ? 1 : 0), 'bool');
  return tf.cast(tf.fill([...shape], identity), type);
}

function reducedAxes(x: Shape, attributes: ReductionAttributes, { constants }: ShapeContext): number[] {
  const axes = integersOf(attributes.axes, constants[1], 'axes') ?? [];
  if (axes.length > 0) return normalizeAxes(axes, x.length);
  return attributes.noop_with_empty_axes === 1 ? [] : x.map((_, axis) => axis);
}

function reduceTensor(
  x: Tensor,
  axes: readonly number[],
  dims: Shape,
  reduce: (a: Element, b: Element) => Element,
): Tensor {
  const kept = stridesOf(x.dims.map((dim, axis) => (axes.includes(axis) ? 1 : dim))).map((stride, axis) =>
    axes.includes(axis) ? 0 : stride,
  );
  const results = new Array<Element | undefined>(sizeOf(dims)).fill(undefined);
  const at = x.dims.map(() => 0);
  for (let i = 0; i < x.data.length; i++) {
    const target = kept.reduce((index, stride, axis) => index + stride * at[axis], 0);
    const before = results[target];
    results[target] = before === undefined ? elementAt(x, i) : reduce(before, elementAt(x, i));
    increment(at, x.dims);
  }
  return tensorOf(
    x.type,
    dims,
    results.map((value) => value!),
  );
}
