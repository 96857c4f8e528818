import type { Network } from '../network/network.js';

/** How many consecutive output channels one block cuts or keeps. */
export const BLOCK = 4;

/** A weight as rows of output channels and columns of input channels, with whatever else it has (kernel positions). */
export interface Axes {
  readonly outputs: number;
  readonly inputs: number;
  /** Distance in the row-major array from one output, or input, channel to the next. */
  readonly outputStride: number;
  readonly inputStride: number;
}

/** Weights that are cut or kept together: the group of every weight, counted from 0, and the groups' sizes. */
export interface Groups {
  readonly of: (weight: number) => number;
  readonly sizes: Uint16Array;
}

/** The channels of one prunable weight; as PyTorch lays them out where the graph does not tell. */
export function axesOf({ layers, parameters }: Network, name: string): Axes {
  const { dims } = parameters.get(name)!;
  const { outputAxis, inputAxis } = layers.find(({ weight }) => weight === name) ?? {
    outputAxis: 0,
    inputAxis: 1,
  };
  const strideOf = (axis: number) => dims.slice(axis + 1).reduce((product, dim) => product * dim, 1);
  return {
    outputs: dims[outputAxis] ?? 1,
    inputs: dims[inputAxis] ?? 1,
    outputStride: strideOf(outputAxis),
    inputStride: strideOf(inputAxis),
  };
}

/** Every weight by itself. */
export function singles(count: number): Groups {
  return { of: (weight) => weight, sizes: new Uint16Array(count).fill(1) };
}

/**
 * Blocks of BLOCK consecutive output channels at one input channel and kernel position, as sparse kernels for CPUs read
 * them (XNNPACK). The last block of a layer whose outputs BLOCK does not divide is smaller.
 */
export function blocks(count: number, { outputs, outputStride }: Axes): Groups {
  return grouped(count, outputs, outputStride, BLOCK);
}

/**
 * Of m consecutive input channels at one output channel and kernel position. The last group of a layer whose inputs m
 * does not divide is smaller; in a depthwise convolution, where an output sees one input, every group is one weight.
 */
export function runs(count: number, { inputs, inputStride }: Axes, m: number): Groups {
  return grouped(count, inputs, inputStride, m);
}

/** Groups of `size` along an axis of `length`, numbered in the order of their first weights. */
function grouped(count: number, length: number, stride: number, size: number): Groups {
  const perAxis = Math.ceil(length / size);
  const of = (weight: number) => {
    const outer = Math.floor(weight / (stride * length));
    const at = Math.floor(weight / stride) % length;
    return (outer * perAxis + Math.floor(at / size)) * stride + (weight % stride);
  };
  const sizes = new Uint16Array((count / length) * perAxis);
  for (let weight = 0; weight < count; weight++) sizes[of(weight)]++;
  return { of, sizes };
}
