/** Max and average pooling and their gradients, NCHW between two transposes as in convolution.ts. */
import { backend_util } from '@tensorflow/tfjs-core';
import type { Graph } from '../graph.js';
import { type NodeAttributes, type Value, sizeOf } from '../value.js';
import { toNchw, toNhwc } from './convolution.js';
import type { KernelAttributes, KernelTable } from './kernel.js';

interface Pool {
  readonly attributes: NodeAttributes;
  readonly kernel: readonly [number, number];
  readonly pads: readonly number[];
  readonly outputShape: readonly number[];
  /** Windows tile the input: each element is in exactly one. */
  readonly tiles: boolean;
}

function poolOf(
  inputShape: readonly number[],
  { filterSize, strides, pad, dimRoundingMode }: KernelAttributes,
): Pool {
  const info = backend_util.computePool2DInfo(
    inputShape as [number, number, number, number],
    filterSize as number,
    strides as number,
    1,
    pad as number,
    dimRoundingMode as 'floor' | undefined,
  );
  const { top, left, bottom, right } = info.padInfo;
  const kernel = [info.filterHeight, info.filterWidth] as const;
  const stride = [info.strideHeight, info.strideWidth];
  const pads = [top, left, bottom, right];
  return {
    attributes: { kernel_shape: kernel, strides: stride, pads },
    kernel,
    pads,
    outputShape: [info.batchSize, info.inChannels, info.outHeight, info.outWidth],
    tiles:
      kernel.every((size, axis) => size === stride[axis]) &&
      pads.every((amount) => amount === 0) &&
      info.outHeight * kernel[0] === info.inHeight &&
      info.outWidth * kernel[1] === info.inWidth,
  };
}

/**
 * Each output's gradient goes to the element that was its maximum (the first, where several are equal): scattered to
 * the flat positions that MaxPool reports, added up where windows overlap.
 */
function maxPoolGradient(graph: Graph, dy: Value, x: Value, pool: Pool): Value {
  const [, indices] = graph.node('MaxPool', [x], pool.attributes, [
    { shape: pool.outputShape, type: 'float32' },
    { shape: pool.outputShape, type: 'int64' },
  ]);
  if (pool.tiles) return graph.op('MaxUnpool', [dy, indices], pool.attributes, x.shape);
  const zeros = graph.expand(graph.scalar(0), [sizeOf(x.shape)]);
  const flat = [sizeOf(dy.shape)];
  const scattered = graph.op(
    'ScatterElements',
    [zeros, graph.reshape(indices, flat), graph.reshape(dy, flat)],
    { axis: 0, reduction: 'add' },
    zeros.shape,
  );
  return graph.reshape(scattered, x.shape);
}

/** Each output's gradient is spread evenly over its window. */
function averagePoolGradient(graph: Graph, dy: Value, inputShape: readonly number[], pool: Pool): Value {
  const [height, width] = pool.kernel;
  const share = 1 / (height * width);
  const [batch, channels, rows, columns] = dy.shape;
  if (pool.tiles) {
    const blocks = graph.reshape(graph.elementwise('Mul', [dy, graph.scalar(share)]), [
      batch,
      channels,
      rows,
      1,
      columns,
      1,
    ]);
    return graph.reshape(graph.expand(blocks, [batch, channels, rows, height, columns, width]), inputShape);
  }
  const weights = graph.constant(new Float32Array(channels * height * width).fill(share), [
    channels,
    1,
    height,
    width,
  ]);
  const strides = pool.attributes['strides'] as readonly number[];
  const outputPads = [0, 1].map(
    (axis) =>
      inputShape[axis + 2] -
      ((dy.shape[axis + 2] - 1) * strides[axis] + pool.kernel[axis] - pool.pads[axis] - pool.pads[axis + 2]),
  );
  return graph.op(
    'ConvTranspose',
    [dy, weights],
    { ...pool.attributes, dilations: [1, 1], group: channels, output_padding: outputPads },
    inputShape,
  );
}

export const pooling: KernelTable = {
  MaxPool: (graph, { x }, attributes) => {
    const pool = poolOf(x.shape, attributes);
    return toNhwc(graph, graph.op('MaxPool', [toNchw(graph, x)], pool.attributes, pool.outputShape));
  },
  MaxPoolGrad: (graph, { dy, input }, attributes) => {
    const pool = poolOf(input.shape, attributes);
    return toNhwc(graph, maxPoolGradient(graph, toNchw(graph, dy), toNchw(graph, input), pool));
  },
  AvgPool: (graph, { x }, attributes) => {
    const pool = poolOf(x.shape, attributes);
    if (pool.pads.some((amount) => amount !== 0))
      throw new Error('padded average pools are recorded as a Pad and a pool');
    return toNhwc(graph, graph.op('AveragePool', [toNchw(graph, x)], pool.attributes, pool.outputShape));
  },
  AvgPoolGrad: (graph, { dy, input }, attributes) => {
    const pool = poolOf(input.shape, attributes);
    const [batch, height, width, channels] = input.shape;
    return toNhwc(
      graph,
      averagePoolGradient(graph, toNchw(graph, dy), [batch, channels, height, width], pool),
    );
  },
};
