/**
 * Convolutions and their gradients. tfjs hands over NHWC and HWIO; every node here is NCHW and OIHW between two
 * transposes, which cancel against those of converters/layout.ts.
 */
import { backend_util } from '@tensorflow/tfjs-core';
import type { Graph } from '../graph.js';
import type { Value } from '../value.js';
import type { KernelAttributes, KernelTable } from './kernel.js';

type Shape4 = [number, number, number, number];
type Pair = readonly [number, number];

/** Geometry of one convolution: kernel, strides, dilations, and pads as ONNX orders them (top, left, bottom, right). */
export interface Window {
  readonly kernel: Pair;
  readonly strides: Pair;
  readonly dilations: Pair;
  readonly pads: readonly [number, number, number, number];
}

export const toNchw = (graph: Graph, x: Value): Value => graph.transpose(x, [0, 3, 1, 2]);
export const toNhwc = (graph: Graph, x: Value): Value => graph.transpose(x, [0, 2, 3, 1]);

function windowOf(
  inputShape: readonly number[],
  filterShape: readonly number[],
  { strides, pad, dilations, dimRoundingMode, dataFormat }: KernelAttributes,
  depthwise: boolean,
): Window & { outputShape: readonly number[] } {
  if (dataFormat === 'NCHW') throw new Error('convolutions are recorded from NHWC; see converters/layout.ts');
  const info = backend_util.computeConv2DInfo(
    inputShape as Shape4,
    filterShape as Shape4,
    strides as number,
    (dilations ?? 1) as number,
    pad as number,
    dimRoundingMode as 'floor' | undefined,
    depthwise,
  );
  const { top, left, bottom, right } = info.padInfo;
  return {
    kernel: [info.filterHeight, info.filterWidth],
    strides: [info.strideHeight, info.strideWidth],
    dilations: [info.dilationHeight, info.dilationWidth],
    pads: [top, left, bottom, right],
    outputShape: [info.batchSize, info.outChannels, info.outHeight, info.outWidth],
  };
}

const attributesOf = ({ kernel, strides, dilations, pads }: Window, group: number) => ({
  kernel_shape: kernel,
  strides,
  dilations,
  pads,
  group,
});

/** y [N,O,h,w] = Conv(x [N,C,H,W], w [O,C/group,kh,kw]). */
function convolve(
  graph: Graph,
  x: Value,
  w: Value,
  window: Window,
  group: number,
  shape: readonly number[],
): Value {
  return graph.op('Conv', [x, w], attributesOf(window, group), shape);
}

/**
 * From w [O,C/group,kh,kw] the filter [C,O/group,kh,kw] of the input gradient: within each group inputs and outputs
 * exchanged, and the positions in reverse. ONNX has no such operator: the node stands for it until
 * passes/lower-filters.ts writes it in terms of those it has.
 */
function mirrorFilter(graph: Graph, w: Value, group: number): Value {
  const [outputs, inputs, ...kernel] = w.shape;
  return graph.op('MirrorFilter', [w], { group }, [group * inputs, outputs / group, ...kernel]);
}

/**
 * Gradient with respect to the input [N,C,H,W], for dy [N,O,h,w] and w [O,C/group,kh,kw]: at stride 1 a plain
 * convolution with the flipped filter, else ConvTranspose.
 */
function inputGradient(
  graph: Graph,
  dy: Value,
  w: Value,
  window: Window,
  group: number,
  shape: readonly number[],
): Value {
  const { kernel, strides, dilations, pads } = window;
  const reach = [0, 1].map((axis) => (kernel[axis] - 1) * dilations[axis]);
  if (strides[0] === 1 && strides[1] === 1 && pads[0] <= reach[0] && pads[1] <= reach[1]) {
    // What was padded by p is cropped from the full correlation: pads of reach - p on the same side.
    const top = reach[0] - pads[0];
    const left = reach[1] - pads[1];
    const mirrored: Window = {
      ...window,
      pads: [top, left, shape[2] - dy.shape[2] + reach[0] - top, shape[3] - dy.shape[3] + reach[1] - left],
    };
    return convolve(graph, dy, mirrorFilter(graph, w, group), mirrored, group, shape);
  }
  const full = [0, 1].map((axis) => (dy.shape[axis + 2] - 1) * strides[axis] + reach[axis] + 1);
  const outputPads = [0, 1].map((axis) => shape[axis + 2] - (full[axis] - pads[axis] - pads[axis + 2]));
  return graph.op(
    'ConvTranspose',
    [dy, w],
    { ...attributesOf(window, group), output_padding: outputPads },
    shape,
  );
}

/**
 * Gradient with respect to w [O,C/group,kh,kw] for x [N,C,H,W] and dy [N,O,h,w]. ONNX has no such operator: the node
 * stands for it until passes/filter-gradients.ts writes it in terms of those it has.
 */
function filterGradient(graph: Graph, x: Value, dy: Value, window: Window, group: number): Value {
  const shape = [dy.shape[1], x.shape[1] / group, ...window.kernel];
  return graph.op('ConvFilterGradient', [x, dy], attributesOf(window, group), shape);
}

/** HWIO -> OIHW. */
const denseFilter = (graph: Graph, filter: Value): Value => graph.transpose(filter, [3, 2, 0, 1]);

/** tfjs' depthwise filter [kh,kw,C,M] -> ONNX' [C*M,1,kh,kw] with group C. */
function depthwiseFilter(graph: Graph, filter: Value): Value {
  const [height, width, channels, multiplier] = filter.shape;
  return graph.reshape(graph.transpose(filter, [2, 3, 0, 1]), [channels * multiplier, 1, height, width]);
}

const nchw = ([batch, height, width, channels]: readonly number[]): number[] => [
  batch,
  channels,
  height,
  width,
];

export const convolution: KernelTable = {
  Conv2D: (graph, { x, filter }, attributes) => {
    const { outputShape, ...window } = windowOf(x.shape, filter.shape, attributes, false);
    return toNhwc(
      graph,
      convolve(graph, toNchw(graph, x), denseFilter(graph, filter), window, 1, outputShape),
    );
  },
  Conv2DBackpropInput: (graph, { dy, filter }, attributes) => {
    const inputShape = attributes['inputShape'] as number[];
    const window = windowOf(inputShape, filter.shape, attributes, false);
    return toNhwc(
      graph,
      inputGradient(graph, toNchw(graph, dy), denseFilter(graph, filter), window, 1, nchw(inputShape)),
    );
  },
  Conv2DBackpropFilter: (graph, { x, dy }, attributes) => {
    const window = windowOf(x.shape, attributes['filterShape'] as number[], attributes, false);
    const gradient = filterGradient(graph, toNchw(graph, x), toNchw(graph, dy), window, 1);
    return graph.transpose(gradient, [2, 3, 1, 0]);
  },
  DepthwiseConv2dNative: (graph, { x, filter }, attributes) => {
    const { outputShape, ...window } = windowOf(x.shape, filter.shape, attributes, true);
    const weights = depthwiseFilter(graph, filter);
    return toNhwc(graph, convolve(graph, toNchw(graph, x), weights, window, x.shape[3], outputShape));
  },
  DepthwiseConv2dNativeBackpropInput: (graph, { dy, filter }, attributes) => {
    const inputShape = attributes['inputShape'] as number[];
    const window = windowOf(inputShape, filter.shape, attributes, true);
    const weights = depthwiseFilter(graph, filter);
    return toNhwc(
      graph,
      inputGradient(graph, toNchw(graph, dy), weights, window, inputShape[3], nchw(inputShape)),
    );
  },
  DepthwiseConv2dNativeBackpropFilter: (graph, { x, dy }, attributes) => {
    const filterShape = attributes['filterShape'] as number[];
    const window = windowOf(x.shape, filterShape, attributes, true);
    const [height, width, channels, multiplier] = filterShape;
    const gradient = filterGradient(graph, toNchw(graph, x), toNchw(graph, dy), window, channels);
    return graph.transpose(graph.reshape(gradient, [channels, multiplier, height, width]), [2, 3, 0, 1]);
  },
};
