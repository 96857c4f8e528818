import type * as tfjs from '@tensorflow/tfjs-core';
import {
  defineOp,
  float,
  requiredInts,
  string,
  type Attributes,
  type Shape,
  type ShapeContext,
  type Tf,
} from './define-op.js';
import { integersOf } from './support/axes.js';
import { toScalar } from './support/constants.js';
import { expand } from './support/gradients.js';
import { attributeError, normalizeAxis, shapeError, show } from './support/shapes.js';

const attributes = {
  mode: string('constant', { oneOf: ['constant', 'reflect', 'edge', 'wrap'] }),
  pads: requiredInts({ before: 11 }),
  value: float(0, { before: 11 }),
};

/** Pads, or crops where a pad is negative. Pads and value are attributes before opset 11, inputs since. */
export const Pad = defineOp('Pad', {
  since: [2, 11, 13, 18, 19, 21, 23, 24, 25],
  inputs: [1, 4],
  outputs: [1, 1],
  constantInputs: [1, 2, 3],
  attributes,
  shape([x], values, context) {
    const pads = padsOf(x, values, context);
    const shape = x.map((dim, axis) => dim + pads[axis][0] + pads[axis][1]);
    if (shape.some((dim) => dim < 0)) throw shapeError(`its pads crop more than ${show(x)} has.`);
    return [shape];
  },
  forward(tf, [x], values, context) {
    const pads = padsOf(x.shape, values, context);
    const { constants } = context;
    if (values.mode === 'constant') {
      const value = constants[2] ? toScalar(constants[2], 'value') : values.value;
      return [padConstant(tf, crop(tf, x, pads), pads, value)];
    }
    const cropped = crop(tf, x, pads);
    return [pads.reduce((y, pad, axis) => padAxis(tf, y, axis, pad, values.mode), cropped)];
  },
});

type Pads = readonly (readonly [begin: number, end: number])[];

function padsOf(shape: Shape, values: Attributes<typeof attributes>, { constants }: ShapeContext): Pads {
  const given = integersOf(values.pads, constants[1], 'pads');
  const axes = integersOf(undefined, constants[3], 'axes') ?? shape.map((_, axis) => axis);
  if (given?.length !== 2 * axes.length) {
    throw attributeError(`pads needs ${2 * axes.length} values, but has ${given?.length ?? 0}.`);
  }
  const pads: [number, number][] = shape.map(() => [0, 0]);
  axes.forEach((axis, i) => {
    pads[normalizeAxis(axis, shape.length)] = [given[i], given[i + axes.length]];
  });
  return pads;
}

function crop(tf: Tf, x: tfjs.Tensor, pads: Pads): tfjs.Tensor {
  if (pads.every(([begin, end]) => begin >= 0 && end >= 0)) return x;
  return tf.slice(
    x,
    pads.map(([begin]) => Math.max(-begin, 0)),
    x.shape.map((dim, axis) => dim + Math.min(pads[axis][0], 0) + Math.min(pads[axis][1], 0)),
  );
}

function padConstant(tf: Tf, x: tfjs.Tensor, pads: Pads, value: number): tfjs.Tensor {
  const outward = pads.map(([begin, end]): [number, number] => [Math.max(begin, 0), Math.max(end, 0)]);
  return outward.every(([begin, end]) => begin === 0 && end === 0) ? x : tf.pad(x, outward, value);
}

/** Pads one axis with parts of itself: its mirror image without the edge, its edge, or its other end. */
function padAxis(
  tf: Tf,
  x: tfjs.Tensor,
  axis: number,
  [begin, end]: readonly [number, number],
  mode: string,
): tfjs.Tensor {
  const size = x.shape[axis];
  const largest = mode === 'reflect' ? size - 1 : mode === 'wrap' ? size : Infinity;
  if (begin > largest || end > largest) throw shapeError(`${mode} cannot pad size ${size} by that much.`);
  const part = (start: number, length: number) =>
    tf.slice(
      x,
      x.shape.map((_, i) => (i === axis ? start : 0)),
      x.shape.map((dim, i) => (i === axis ? length : dim)),
    );
  const repeated = (start: number, count: number) =>
    expand(
      tf,
      part(start, 1),
      x.shape.map((dim, i) => (i === axis ? count : dim)),
    );
  const before = {
    reflect: () => tf.reverse(part(1, begin), axis),
    edge: () => repeated(0, begin),
    wrap: () => part(size - begin, begin),
  };
  const after = {
    reflect: () => tf.reverse(part(size - 1 - end, end), axis),
    edge: () => repeated(size - 1, end),
    wrap: () => part(0, end),
  };
  const kind = mode as keyof typeof before;
  const parts = [...(begin > 0 ? [before[kind]()] : []), x, ...(end > 0 ? [after[kind]()] : [])];
  return parts.length > 1 ? tf.concat(parts, axis) : x;
}
