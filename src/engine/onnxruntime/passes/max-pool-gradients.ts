/**
 * Gradients of max pools for providers whose MaxPool does not say where its maxima are (WebGPU fails on it, others
 * leave it to the cpu): each kernel position is compared with the maximum instead, and the first that is equal takes
 * the gradient.
 *
 * 1. MaxUnpool(dy, indices of MaxPool(x)) -> the gradient from x and dy.
 * 2. ScatterElements(zeros, flat indices of MaxPool(x), flat dy) -> the same, flat.
 */
import type { Graph } from '../graph.js';
import { concat, pad, slice } from '../kernels/shaping.js';
import { type Visit, rewrite } from '../rewrite.js';
import type { GraphNode, Value } from '../value.js';

/** Less than any activation, and finite: the one-hot convolution multiplies it by 0. */
const LOWEST = -3.4028234663852886e38;

export const maxPoolGradients = (graph: Graph): Graph => rewrite(graph, visit);

const visit: Visit = (node, inputs, target) => {
  switch (node.op) {
    case 'MaxUnpool': {
      const [dy, indices] = inputs;
      return gradient(target, indices.producer!, dy);
    }
    case 'ScatterElements': {
      const [, indices, dy] = inputs;
      const unpooled = indices.producer?.op === 'Reshape' ? indices.producer.inputs[0] : indices;
      if (unpooled.producer?.op !== 'MaxPool') return undefined;
      const dx = gradient(target, unpooled.producer, target.reshape(dy, unpooled.shape));
      return target.reshape(dx, node.outputs[0].shape);
    }
    default:
      return undefined;
  }
};

/** dx [N,C,H,W] for dy [N,C,h,w]. */
function gradient(graph: Graph, { inputs: [x], attributes }: GraphNode, dy: Value): Value {
  const kernel = attributes['kernel_shape'] as readonly number[];
  const strides = attributes['strides'] as readonly number[];
  const pads = attributes['pads'] as readonly number[];
  const [batch, channels, height, width] = dy.shape;
  const size = kernel[0] * kernel[1];

  const shares = firstMaxima(graph, x, dy.shape, { kernel, strides, pads }, attributes).map((first) =>
    graph.reshape(graph.elementwise('Mul', [dy, first]), [batch, channels, 1, height, width]),
  );
  // A transposed convolution puts each share back where its kernel position was, and adds up where windows overlap. It
  // takes channels for images: WebGPU's is wrong for groups of 4 inputs and 1 output (onnxruntime 1.30).
  const stacked = graph.reshape(concat(graph, shares, 2), [batch * channels, size, height, width]);
  const oneHot = new Float32Array(size * size);
  for (let position = 0; position < size; position++) oneHot[position * (size + 1)] = 1;
  const outputPads = [0, 1].map(
    (axis) =>
      x.shape[axis + 2] -
      ((dy.shape[axis + 2] - 1) * strides[axis] + kernel[axis] - pads[axis] - pads[axis + 2]),
  );
  const planes = graph.op(
    'ConvTranspose',
    [stacked, graph.constant(oneHot, [size, 1, ...kernel])],
    { kernel_shape: kernel, strides, pads, output_padding: outputPads },
    [batch * channels, 1, ...x.shape.slice(2)],
  );
  return graph.reshape(planes, x.shape);
}

/** For each kernel position 1 where it holds the first maximum of its window, else 0: [N,C,h,w]. */
function firstMaxima(
  graph: Graph,
  x: Value,
  shape: readonly number[],
  { kernel, strides, pads }: Readonly<Record<'kernel' | 'strides' | 'pads', readonly number[]>>,
  attributes: GraphNode['attributes'],
): Value[] {
  const none = [0, 0] as const;
  const margins = [none, none, [pads[0], pads[2]], [pads[1], pads[3]]] as const;
  const padded = pad(graph, x, margins, 'constant', LOWEST);
  const maximum = graph.op('MaxPool', [x], attributes, shape);
  let free: Value | undefined;
  return Array.from({ length: kernel[0] * kernel[1] }, (_, position) => {
    const begin = [0, 0, Math.floor(position / kernel[1]), position % kernel[1]];
    const element = slice(graph, padded, begin, shape, [1, 1, ...strides]);
    const equal = graph.op('Cast', [graph.elementwise('Equal', [element, maximum], 'bool')], {}, shape);
    const first = free === undefined ? equal : graph.elementwise('Mul', [equal, free]);
    free = graph.elementwise('Sub', [free ?? graph.scalar(1), first]);
    return first;
  });
}
