/**
 * Multiplications by something per channel move off the large tensors.
 *
 * 1. Mul(x*s, x*s), the square of a scaled tensor, is (x*x) * (s*s).
 * 2. ReduceMean or ReduceSum of x*s, with s of size 1 along the reduced axes, is the reduction of x, times s.
 * 3. Conv or ConvTranspose with a constant filter of a sum that has a term t*c with c constant per channel: c goes
 *    into the filter's input side, and the other terms, each u*s or smaller than the sum, are divided by c.
 * 4. x*t + c with t and c constant per channel is (x + c/t) * t, which brings the scale to where 1 to 3 see it.
 */
import type { Graph } from '../graph.js';
import { type Visit, rewrite } from '../rewrite.js';
import { isConstant } from '../strided.js';
import { type GraphNode, type Value, sameShape, sizeOf } from '../value.js';

export const hoistScales = (graph: Graph): Graph => rewrite(graph, visit);

const visit: Visit = (node, inputs, target) => {
  switch (node.op) {
    case 'Mul':
      return squareOfScaled(inputs, target);
    case 'Add':
      return offsetOfScaled(inputs, target);
    case 'ReduceMean':
    case 'ReduceSum':
      return reductionOfScaled(node, inputs[0], target);
    case 'Conv':
    case 'ConvTranspose':
      return scaleIntoFilter(node, inputs, target);
    default:
      return undefined;
  }
};

interface Scaled {
  readonly big: Value;
  readonly scale: Value;
}

/** x = big * scale with scale smaller than x. */
function scaledOf(x: Value): Scaled | undefined {
  if (x.producer?.op !== 'Mul') return undefined;
  const [a, b] = x.producer.inputs;
  for (const [big, scale] of [
    [a, b],
    [b, a],
  ]) {
    if (sameShape(big.shape, x.shape) && sizeOf(scale.shape) < sizeOf(x.shape)) return { big, scale };
  }
  return undefined;
}

function squareOfScaled([x, y]: readonly Value[], target: Graph): Value | undefined {
  const scaled = x === y ? scaledOf(x) : undefined;
  if (scaled === undefined) return undefined;
  const square = (value: Value): Value => target.elementwise('Mul', [value, value]);
  return target.elementwise('Mul', [square(scaled.big), square(scaled.scale)]);
}

function offsetOfScaled(inputs: readonly Value[], target: Graph): Value | undefined {
  for (const [x, offset] of [inputs, [...inputs].reverse()]) {
    const scaled = scaledOf(x);
    const channels = x.shape[1];
    if (
      scaled === undefined ||
      !isChannelConstant(scaled.scale, channels) ||
      offset.data?.length !== channels
    )
      continue;
    const inner = target.elementwise('Mul', [offset, target.elementwise('Reciprocal', [scaled.scale])]);
    return target.elementwise('Mul', [target.elementwise('Add', [scaled.big, inner]), scaled.scale]);
  }
  return undefined;
}

function reductionOfScaled(node: GraphNode, x: Value, target: Graph): Value | undefined {
  const scaled = scaledOf(x);
  const axes = node.attributes['axes'] as readonly number[];
  if (scaled === undefined) return undefined;
  const { big, scale } = scaled;
  const missing = x.shape.length - scale.shape.length;
  if (axes.some((axis) => axis >= missing && scale.shape[axis - missing] !== 1)) return undefined;
  const reduced = target.op(node.op, [big], node.attributes, node.outputs[0].shape);
  return target.elementwise('Mul', [reductionOfScaled(node, big, target) ?? reduced, scale]);
}

/** A constant of one element per channel of an NCHW tensor, none of them 0. */
const isChannelConstant = ({ data, shape }: Value, channels: number): boolean =>
  data !== undefined &&
  shape.length === 4 &&
  shape[1] === channels &&
  data.length === channels &&
  !data.includes(0);

function termsOf(x: Value): readonly Value[] {
  return x.producer?.op === 'Add' ? x.producer.inputs.flatMap(termsOf) : [x];
}

function scaleIntoFilter(node: GraphNode, inputs: readonly Value[], target: Graph): Value | undefined {
  const [x, filter] = inputs;
  const channels = x.shape[1];
  if (!isConstant(filter) || node.attributes['group'] !== 1) return undefined;
  const terms = termsOf(x);
  const scale = terms
    .map(scaledOf)
    .find((scaled) => scaled && isChannelConstant(scaled.scale, channels))?.scale;
  if (scale === undefined) return undefined;
  const free = (term: Value): boolean => scaledOf(term) !== undefined || sizeOf(term.shape) < sizeOf(x.shape);
  if (!terms.every(free)) return undefined;

  const inverse = target.elementwise('Reciprocal', [scale]);
  const divided = terms.map((term) => {
    const scaled = scaledOf(term);
    if (scaled === undefined) return target.elementwise('Mul', [term, inverse]);
    if (scaled.scale === scale) return scaled.big;
    return target.elementwise('Mul', [scaled.big, target.elementwise('Mul', [scaled.scale, inverse])]);
  });
  const sum = divided.reduce((total, term) => target.elementwise('Add', [total, term]));
  // Conv's filter is [outputs, inputs, ...], ConvTranspose's [inputs, outputs, ...].
  const onInputs = node.op === 'Conv' ? [1, channels, 1, 1] : [channels, 1, 1, 1];
  const folded = target.elementwise('Mul', [filter, target.reshape(scale, onInputs)]);
  return target.op(
    node.op,
    [target.expand(sum, x.shape), folded, ...inputs.slice(2)],
    node.attributes,
    node.outputs[0].shape,
  );
}
