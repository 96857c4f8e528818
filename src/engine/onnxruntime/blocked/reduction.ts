/** Sums and means over pixels of blocked values, and images or whole blocks of channels put together or taken apart. */
import { slice } from '../kernels/shaping.js';
import { type GraphNode, type Value, sameShape } from '../value.js';
import type { BlockedLayout } from './layout.js';

/**
 * ReduceMean or ReduceSum over height and width, and perhaps other axes.
 *
 * 1. Of a product that nobody else reads: a depthwise convolution of one factor with the other, in one pass.
 * 2. Else a global average pool.
 */
export function blockReduction(
  node: GraphNode,
  x: Value,
  layout: BlockedLayout,
  readOnce: boolean,
): Value | undefined {
  const axes = node.attributes['axes'] as readonly number[];
  if (x.shape.length !== 4 || !layout.isBlocked(x) || !axes.includes(2) || !axes.includes(3))
    return undefined;
  const { graph } = layout;
  const [batch, channels, height, width] = x.shape;
  const blocked = layout.enter(x)!;
  const product = readOnce ? factorsOf(blocked) : undefined;
  const perImage =
    product === undefined
      ? graph.op('nchwc.GlobalAveragePool', [blocked], {}, [batch, blocked.shape[1], 1, 1])
      : correlation(product, layout);

  const rest = axes.filter((axis) => axis < 2);
  const plain = layout.leave(perImage, channels);
  const [output] = node.outputs;
  const reduced = rest.length === 0 ? plain : graph.op(node.op, [plain], { axes: rest }, output.shape);
  const pixels = height * width;
  const mean = node.op === 'ReduceMean';
  if (product === undefined)
    return mean ? reduced : graph.elementwise('Mul', [reduced, graph.scalar(pixels)]);
  return mean ? graph.elementwise('Mul', [reduced, graph.scalar(1 / pixels)]) : reduced;
}

function factorsOf({ producer, shape }: Value): readonly Value[] | undefined {
  if (producer?.op !== 'Mul') return undefined;
  return producer.inputs.every((factor) => sameShape(factor.shape, shape)) ? producer.inputs : undefined;
}

/** Per image and channel the sum over pixels of a * b: [N,C,1,1]. */
function correlation([a, b]: readonly Value[], { graph }: BlockedLayout): Value {
  const [batch, channels, height, width] = a.shape;
  const group = batch * channels;
  const sum = graph.op(
    'nchwc.Conv',
    [graph.reshape(a, [1, group, height, width]), graph.reshape(b, [group, 1, height, width])],
    { kernel_shape: [height, width], strides: [1, 1], dilations: [1, 1], pads: [0, 0, 0, 0], group },
    [1, group, 1, 1],
  );
  return graph.reshape(sum, [batch, channels, 1, 1]);
}

/** Concat along the batch, or along the channels where all parts are whole blocks. */
export function blockConcat(
  node: GraphNode,
  inputs: readonly Value[],
  layout: BlockedLayout,
): Value | undefined {
  const [output] = node.outputs;
  const axis = node.attributes['axis'] as number;
  if (axis > 1 || output.shape.length !== 4) return undefined;
  if (!inputs.some((input) => layout.isBlocked(input))) return undefined;
  if (axis === 1 && inputs.some(({ shape }) => shape[1] % layout.block !== 0)) return undefined;
  const parts = inputs.map((input) => layout.enter(input));
  if (parts.includes(undefined)) return undefined;
  const [batch, channels, height, width] = output.shape;
  const shape = [batch, layout.padded(channels), height, width];
  return layout.leave(layout.graph.op('Concat', parts as Value[], node.attributes, shape), channels);
}

/** Slice along the batch, or of whole blocks of channels. */
export function blockSlice(node: GraphNode, x: Value, layout: BlockedLayout): Value | undefined {
  if (!layout.isBlocked(x)) return undefined;
  const { axes, starts, steps } = node.attributes as Readonly<Record<string, readonly number[]>>;
  const [batch, channels, height, width] = node.outputs[0].shape;
  if (axes.length !== 1 || axes[0] > 1 || steps[0] !== 1) return undefined;
  const [axis] = axes;
  if (axis === 1 && (starts[0] % layout.block !== 0 || channels % layout.block !== 0)) return undefined;
  const from = [0, 0, 0, 0];
  from[axis] = starts[0];
  const shape = [batch, layout.padded(channels), height, width];
  return layout.leave(slice(layout.graph, layout.enter(x)!, from, shape), channels);
}
