/** Element-wise operators on blocked values, and the affine per channel, which is a convolution of one pixel. */
import { type GraphNode, type NodeAttributes, type Value, sameShape, sizeOf } from '../value.js';
import type { BlockedLayout } from './layout.js';

/** Where these see the zeros that fill up channels, what comes out is finite, and no later operator reads it. */
const FINITE_AT_ZERO: ReadonlySet<string> = new Set(
  (
    'Add Sub Mul Max Min Clip Abs Ceil Elu Erf Exp Floor HardSigmoid LeakyRelu Neg Relu Sigmoid Sign Softplus ' +
    'Sqrt Tanh'
  ).split(' '),
);

/**
 * 1. All operands of the output's shape, or scalars: the same operator.
 * 2. Mul, Add, Sub and Div with one element per channel, or per image and channel: an affine.
 * 3. Relu of a convolution or affine that nobody else reads: its activation.
 * 4. Add to a convolution (an affine is one) that nobody else reads: the convolution starts from the other operand, whose
 *    memory becomes its output's, unless somebody reads that later.
 *
 * @param readOnce whether nobody else reads the operand at a position
 * @param readLast whether all other readers of the operand at a position have read it when the node's other operand is
 *   computed
 */
export function blockElementwise(
  node: GraphNode,
  inputs: readonly Value[],
  layout: BlockedLayout,
  readOnce: (position: number) => boolean,
  readLast: (position: number) => boolean,
): Value | undefined {
  const [output] = node.outputs;
  if (output.type !== 'float32' || output.shape.length !== 4) return undefined;
  if (!inputs.some((input) => layout.isBlocked(input))) return undefined;
  const channels = output.shape[1];
  const whole = channels % layout.block === 0;
  if (!whole && !FINITE_AT_ZERO.has(node.op) && node.op !== 'Div') return undefined;

  const big = inputs.map((input) => (sameShape(input.shape, output.shape) ? layout.enter(input) : undefined));
  const isScalar = (input: Value): boolean => sizeOf(input.shape) === 1;
  if (inputs.every((input, i) => isScalar(input) || big[i] !== undefined)) {
    if (node.op === 'Div' && !whole) return undefined;
    if (node.op === 'Relu' && readOnce(0)) {
      const activated = withActivation(big[0]!, layout);
      if (activated !== undefined) return layout.leave(activated, channels);
    }
    for (const [convolution, start] of node.op === 'Add' && inputs.length === 2
      ? [
          [0, 1],
          [1, 0],
        ]
      : []) {
      if (!readOnce(convolution) || !readLast(start)) continue;
      const summed = accumulated(big[convolution], big[start], layout);
      if (summed !== undefined) return layout.leave(summed, channels);
    }
    const operands = inputs.map((input, i) => big[i] ?? input);
    return layout.leave(layout.graph.elementwise(node.op, operands, 'float32', node.attributes), channels);
  }
  if (inputs.length !== 2) return undefined;
  const position = big.findIndex((operand) => operand !== undefined);
  const x = big[position];
  const small = channelOperand(inputs[1 - position], output.shape);
  if (x === undefined || small === undefined) return undefined;
  const affine = affineOf(node.op, position, small, layout);
  return affine && layout.leave(applyAffine(x, affine, channels, layout, readOnce(position)), channels);
}

/** [1,C,1,1] or [N,C,1,1], leading ones given or not; undefined for other shapes. */
function channelOperand(x: Value, [batch, channels]: readonly number[]): Value | undefined {
  const shape = [...[1, 1, 1, 1].slice(x.shape.length), ...x.shape];
  const perChannel = shape[1] === channels && shape[2] === 1 && shape[3] === 1;
  return perChannel && (shape[0] === 1 || shape[0] === batch) ? x : undefined;
}

/** x * scale + offset; one that is missing is 1 or 0. */
interface Affine {
  readonly scale?: Value;
  readonly offset?: Value;
}

function affineOf(op: string, position: number, c: Value, { graph }: BlockedLayout): Affine | undefined {
  const first = position === 0;
  switch (op) {
    case 'Mul':
      return { scale: c };
    case 'Add':
      return { offset: c };
    case 'Sub':
      return first
        ? { offset: graph.elementwise('Mul', [c, graph.scalar(-1)]) }
        : { scale: graph.constant(new Float32Array(sizeOf(c.shape)).fill(-1), c.shape), offset: c };
    case 'Div':
      return first ? { scale: graph.elementwise('Reciprocal', [c]) } : undefined;
    default:
      return undefined;
  }
}

/** Attributes of the convolution with one weight per channel and one pixel. */
const pixelwise = (group: number, margins: readonly number[] = [0, 0, 0, 0]): NodeAttributes => ({
  kernel_shape: [1, 1],
  strides: [1, 1],
  dilations: [1, 1],
  pads: margins,
  group,
});

function applyAffine(
  x: Value,
  { scale, offset }: Affine,
  channels: number,
  layout: BlockedLayout,
  readOnce: boolean,
): Value {
  const { graph } = layout;
  const [batch, filled, height, width] = x.shape;
  let factors = scale && layout.vector(scale, channels);
  let offsets = offset && layout.vector(offset, channels);
  const count = sizeOf((factors ?? offsets)!.shape);

  // An affine of an affine that is read here only is one.
  const inner = readOnce && count === filled ? affineProducer(x) : undefined;
  if (inner !== undefined) {
    const [source, weights] = inner.inputs;
    const bias = inner.inputs.at(2);
    const weight = graph.reshape(weights, [count]);
    const shift =
      bias === undefined || factors === undefined ? bias : graph.elementwise('Mul', [bias, factors]);
    factors = factors === undefined ? weight : graph.elementwise('Mul', [weight, factors]);
    offsets =
      shift === undefined || offsets === undefined
        ? (offsets ?? shift)
        : graph.elementwise('Add', [shift, offsets]);
    x = source;
  }
  const filter = factors === undefined ? ones(count, layout) : graph.reshape(factors, [count, 1, 1, 1]);
  // Per image and channel: images become channels of one image.
  const flat = layout.reshaped(x, [(batch * filled) / count, count, height, width]);
  const operands = offsets === undefined ? [flat, filter] : [flat, filter, offsets];
  return layout.reshaped(graph.op('nchwc.Conv', operands, pixelwise(count), flat.shape), x.shape);
}

function affineProducer({ producer }: Value): GraphNode | undefined {
  if (producer?.op !== 'nchwc.Conv' || 'activation' in producer.attributes) return undefined;
  if (producer.inputs.length > 3) return undefined; // a sum
  const [x, filter] = producer.inputs;
  const plain = JSON.stringify(pixelwise(x.shape[1])) === JSON.stringify(producer.attributes);
  return plain && filter.shape[0] === x.shape[1] ? producer : undefined;
}

/** Blocked x [N,C,H,W] with zeros around: [N, C, H + top + bottom, W + left + right]. A copy by all threads. */
export function blockPad(
  x: Value,
  [top, left, bottom, right]: readonly number[],
  layout: BlockedLayout,
): Value {
  if (top + left + bottom + right === 0) return x;
  const [batch, channels, height, width] = x.shape;
  const shape = [batch, channels, height + top + bottom, width + left + right];
  const attributes = pixelwise(channels, [top, left, bottom, right]);
  return layout.graph.op('nchwc.Conv', [x, ones(channels, layout)], attributes, shape);
}

function ones(count: number, { graph }: BlockedLayout): Value {
  return graph.constant(new Float32Array(count).fill(1), [count, 1, 1, 1]);
}

function withActivation({ producer, shape }: Value, { graph }: BlockedLayout): Value | undefined {
  if (producer?.op !== 'nchwc.Conv' || 'activation' in producer.attributes) return undefined;
  return graph.op('nchwc.Conv', producer.inputs, { ...producer.attributes, activation: 'Relu' }, shape);
}

/** The convolution `sum` with `start` as its initial output. */
function accumulated(
  sum: Value | undefined,
  start: Value | undefined,
  { graph }: BlockedLayout,
): Value | undefined {
  if (sum?.producer?.op !== 'nchwc.Conv' || start === undefined || sum === start) return undefined;
  const { inputs, attributes } = sum.producer;
  if ('activation' in attributes || inputs.length > 3) return undefined;
  const [x, w] = inputs;
  const channels = sum.shape[1];
  const bias = inputs.at(2) ?? graph.constant(new Float32Array(channels), [channels]);
  return graph.op('nchwc.Conv', [x, w, bias, start], attributes, sum.shape);
}
