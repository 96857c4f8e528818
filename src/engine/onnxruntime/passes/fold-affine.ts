/**
 * Batch norm in inference form is an affine per channel; it disappears into the constant filter of the convolution
 * before it, also where the convolution's own output y is read elsewhere (by the batch-norm statistics of a dream).
 *
 * 1. z = Add(Mul(y, s), b) with y = Conv(x, w), w constant, s and b constant per channel and no s tiny: z is the
 *    convolution with filter s*w and bias b.
 * 2. z = Mul(y, s) or Add(y, b) alone likewise.
 * 3. Other readers of y get (z - b) * (1/s). What that costs is taken back by hoist-scales.ts.
 */
import type { Graph } from '../graph.js';
import { rewrite, usersOf } from '../rewrite.js';
import { isConstant } from '../strided.js';
import type { GraphNode, Value } from '../value.js';

/** Below this share of the largest scale, a channel's y cannot be had back from z with enough digits. */
const TINY = 1e-4;

export function foldAffine(graph: Graph): Graph {
  const users = usersOf(graph);
  const outputs = new Set(graph.outputs.values());
  const folded = new Map<GraphNode, Value>();
  return rewrite(graph, (node, inputs, target) => {
    const known = folded.get(node);
    if (known !== undefined) return known;
    if (node.op !== 'Conv' || !isConstant(inputs[1]) || inputs.length > 2) return undefined;
    const [y] = node.outputs;
    const affine = affineOf(y, users);
    if (affine === undefined || outputs.has(y)) return undefined;
    const { scale, offset, last } = affine;
    const readElsewhere = (users.get(y)?.length ?? 0) > 1;
    if (readElsewhere && !invertible(scale)) return undefined;

    const perFilter = (value: Value): Value => target.reshape(value, [y.shape[1], 1, 1, 1]);
    const weight = scale === undefined ? inputs[1] : target.elementwise('Mul', [inputs[1], perFilter(scale)]);
    const bias = offset === undefined ? [] : [target.reshape(offset, [y.shape[1]])];
    const z = target.op('Conv', [inputs[0], weight, ...bias], node.attributes, y.shape);
    folded.set(last, z);
    if (!readElsewhere) return z; // nobody asks for y
    const shifted =
      offset === undefined ? z : target.elementwise('Add', [z, target.elementwise('Neg', [offset])]);
    return scale === undefined
      ? shifted
      : target.elementwise('Mul', [shifted, target.elementwise('Reciprocal', [scale])]);
  });
}

interface Affine {
  readonly scale?: Value;
  readonly offset?: Value;
  /** The node that yields z. */
  readonly last: GraphNode;
}

function affineOf(y: Value, users: ReadonlyMap<Value, readonly GraphNode[]>): Affine | undefined {
  const constant = (node: GraphNode, of: Value): Value | undefined =>
    node.inputs.find((input) => input !== of && perChannel(input, y.shape[1]));
  const using = (value: Value, op: string): GraphNode | undefined =>
    users.get(value)?.find((node) => node.op === op && constant(node, value) !== undefined);
  const mul = using(y, 'Mul');
  if (mul === undefined) {
    // A lone addition is worth it only where nobody else wants y: there may be several.
    const add = using(y, 'Add');
    return add === undefined || users.get(y)?.length !== 1
      ? undefined
      : { offset: constant(add, y), last: add };
  }
  const scaled = mul.outputs[0];
  const add = users.get(scaled)?.length === 1 ? using(scaled, 'Add') : undefined;
  return { scale: constant(mul, y), offset: add && constant(add, scaled), last: add ?? mul };
}

const perChannel = ({ data, shape }: Value, channels: number): boolean =>
  data !== undefined &&
  shape.length === 4 &&
  shape[0] === 1 &&
  shape[1] === channels &&
  data.length === channels;

function invertible(scale: Value | undefined): boolean {
  if (scale === undefined) return true;
  const sizes = (scale.data as Float32Array).map(Math.abs);
  return Math.min(...sizes) > TINY * Math.max(...sizes);
}
