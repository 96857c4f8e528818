import type * as tfjs from '@tensorflow/tfjs-core';
import type { DataType, Tensor } from '../../model.js';
import { defineOp, type OpDefinition, type Tf } from '../define-op.js';
import { isFoldable, isInteger, mapElements, type Element } from './constants.js';
import { piecewiseConstant } from './gradients.js';
import { align, alignedShape, legacyBroadcast, type LegacyAttributes } from './legacy-broadcast.js';
import { broadcastShapes } from './shapes.js';

/** The same function for both kinds of element; one kind may be missing. */
export interface ElementFunctions {
  readonly float?: (...values: number[]) => number;
  readonly integer?: (...values: bigint[]) => bigint | number;
}

interface Elementwise<N extends readonly tfjs.Tensor[]> extends ElementFunctions {
  readonly since: readonly number[];
  readonly forward?: (tf: Tf, ...inputs: N) => tfjs.Tensor;
}

type One = readonly [tfjs.Tensor];
type Two = readonly [tfjs.Tensor, tfjs.Tensor];

/** An operator of one input, without attributes, whose output has the input's shape. */
export function unary(opType: string, { since, forward, ...functions }: Elementwise<One>): OpDefinition {
  return defineOp(opType, {
    since,
    inputs: [1, 1],
    outputs: [1, 1],
    attributes: {},
    shape: ([x]) => [x],
    fold: (inputs) => foldElements(inputs, functions),
    ...(forward && { forward: (tf, [x]) => [forward(tf, x)] }),
  });
}

/** An arithmetic operator of two broadcast inputs. */
export function binary(opType: string, { since, forward, ...functions }: Elementwise<Two>): OpDefinition {
  return defineOp(opType, {
    since,
    inputs: [2, 2],
    outputs: [1, 1],
    attributes: legacyBroadcast,
    shape: ([a, b], attributes: LegacyAttributes) => [broadcastShapes(a, alignedShape(a, b, attributes))],
    fold: ([a, b], attributes: LegacyAttributes) =>
      foldElements([a, { ...b, dims: alignedShape(a.dims, b.dims, attributes) }], functions),
    ...(forward && {
      forward: (tf, [a, b], attributes: LegacyAttributes) => [forward(tf, a, align(tf, a, b, attributes))],
    }),
  });
}

/** An operator of any number of broadcast inputs that combines them pairwise, from left to right. */
export function variadic(opType: string, { since, forward, ...functions }: Elementwise<Two>): OpDefinition {
  return defineOp(opType, {
    since,
    inputs: [1, Infinity],
    outputs: [1, 1],
    attributes: {},
    shape: (inputs) => [broadcastShapes(...inputs)],
    fold: (inputs) => foldElements(inputs, functions),
    ...(forward && { forward: (tf, inputs) => [inputs.reduce((a, b) => forward(tf, a, b))] }),
  });
}

/** A comparison or logical operator of two broadcast inputs; the result is bool. */
export function predicate(
  opType: string,
  since: readonly number[],
  forward: (tf: Tf, a: tfjs.Tensor, b: tfjs.Tensor) => tfjs.Tensor,
  holds: (a: Element, b: Element) => boolean,
): OpDefinition {
  return defineOp(opType, {
    since,
    inputs: [2, 2],
    outputs: [1, 1],
    attributes: {},
    differentiable: false,
    shape: (inputs) => [broadcastShapes(...inputs)],
    type: () => 'bool',
    fold: ([a, b]) => [
      mapElements([a, b], 'bool', broadcastShapes(a.dims, b.dims), (x, y) => Number(holds(x, y))),
    ],
    forward: (tf, [a, b]) => [piecewiseConstant(tf, (x, y) => forward(tf, x, y), a, b)],
  });
}

/** Applies the function for the first input's type, whose type the result has; undefined where there is none. */
export function foldElements(
  inputs: readonly Tensor[],
  { float, integer }: ElementFunctions,
): readonly Tensor[] | undefined {
  const type: DataType = inputs[0].type;
  const compute = isInteger(type) ? integer : float;
  if (compute === undefined || !isFoldable(type) || type === 'bool') return undefined;
  const dims = broadcastShapes(...inputs.map((input) => input.dims));
  return [mapElements(inputs, type, dims, compute as (...elements: Element[]) => Element)];
}
