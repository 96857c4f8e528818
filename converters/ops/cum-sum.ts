import type { Tensor } from '../model.js';
import { defineOp, flag, type Shape, type ShapeContext } from './define-op.js';
import {
  elementAt,
  increment,
  isFoldable,
  isInteger,
  tensorOf,
  toScalar,
  type Element,
} from './support/constants.js';
import { mapAxis } from './support/linear-map.js';
import { normalizeAxis, stridesOf } from './support/shapes.js';

/** Sums of all elements up to each along an axis, of all before it if `exclusive`, from the end if `reverse`. */
export const CumSum = defineOp('CumSum', {
  since: [11, 14],
  inputs: [2, 2],
  outputs: [1, 1],
  constantInputs: [1],
  attributes: { exclusive: flag(0), reverse: flag(0) },
  shape: ([x]) => [x],
  fold([x], attributes, context) {
    if (!isFoldable(x.type)) return undefined;
    return [sumUp(x, axisOf(x.dims, context), attributes)];
  },
  forward(tf, [x], attributes, context) {
    const axis = axisOf(x.shape, context);
    const size = x.shape[axis];
    const rows = Array.from({ length: size }, (_, to) =>
      Array.from({ length: size }, (__, from) => (counts(from, to, attributes) ? 1 : 0)),
    );
    return [mapAxis(tf, x, axis, rows)];
  },
});

interface Directions {
  readonly exclusive: number;
  readonly reverse: number;
}

function axisOf(shape: Shape, { constants }: ShapeContext): number {
  return normalizeAxis(toScalar(constants[1]!, 'axis'), shape.length);
}

/** Whether element `from` is part of sum `to`. */
function counts(from: number, to: number, { exclusive, reverse }: Directions): boolean {
  if (from === to) return exclusive === 0;
  return reverse === 1 ? from > to : from < to;
}

/** Exact for integers. */
function sumUp(x: Tensor, axis: number, directions: Directions): Tensor {
  const step = stridesOf(x.dims)[axis];
  const at = x.dims.map(() => 0);
  const sums = Array.from({ length: x.data.length }, (_, i) => {
    const first = i - at[axis] * step;
    let sum: Element = isInteger(x.type) ? 0n : 0;
    for (let from = 0; from < x.dims[axis]; from++) {
      if (counts(from, at[axis], directions)) sum = plus(sum, elementAt(x, first + from * step));
    }
    increment(at, x.dims);
    return sum;
  });
  return tensorOf(x.type, x.dims, sums);
}

function plus(a: Element, b: Element): Element {
  return typeof a === 'bigint' && typeof b === 'bigint' ? a + b : Number(a) + Number(b);
}
