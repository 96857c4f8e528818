/**
 * The gradient of a convolution with respect to its filter, as a convolution: of the input, with the output's gradient
 * as filter. For each image n, input channel c and output channel o,
 *
 *     dw[o,c,ky,kx] = sum over n, h, w of x[n, c, s*h + ky - top, s*w + kx - left] * dy[n,o,h,w],
 *
 * is a convolution of the plane x[n,c] with the kernel dy[n,o] of h by w, dilated by the stride s, that has kh by kw
 * outputs. Images are groups; dy's blocks are already stored as such a filter wants them, and the channels within x's
 * blocks are `block` neighbouring columns, so that the kernel advances by `block` columns per pixel. Neither is copied
 * but for the columns of zeros around x, and for exchanging images and channel blocks of x. What is left is to sum
 * over the images.
 */
import type { Window } from '../kernels/convolution.js';
import { reduce } from '../kernels/reduction.js';
import { pad, slice } from '../kernels/shaping.js';
import type { NodeAttributes, Value } from '../value.js';
import { blockPad } from './elementwise.js';
import type { BlockedLayout } from './layout.js';

/** w [O,C/group,kh,kw] for x [N,C,H,W], dy [N,O,h,w]; undefined where this form does not serve. */
export function blockFilterGradient(
  attributes: NodeAttributes,
  [x, dy]: readonly Value[],
  layout: BlockedLayout,
): Value | undefined {
  const { block } = layout;
  const [batch, inputs] = x.shape;
  const outputs = dy.shape[1];
  if ((attributes['dilations'] as readonly number[]).some((dilation) => dilation !== 1)) return undefined;
  const window = windowOf(attributes, x, dy);
  if (attributes['group'] !== 1) {
    return attributes['group'] === inputs && outputs === inputs
      ? depthwise(x, dy, window, layout)
      : undefined;
  }
  // Images stand where onnxruntime counts channels.
  if (batch > block && batch % block !== 0) return undefined;
  const gradient = layout.enter(dy);
  if (gradient === undefined) return undefined;
  if (inputs < block && !layout.isBlocked(x)) return fewInputs(x, gradient, outputs, window, layout);
  const input = layout.enter(x);
  return input && dense(input, inputs, gradient, outputs, window, layout);
}

/** The geometry of the convolution that yields the gradient. */
interface GradientWindow {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  /** Zeros above and below x; too few rows of zeros below mean rows of output too many. */
  readonly rows: readonly [number, number];
  readonly columns: readonly [number, number];
  /** Rows and columns of output, of which the first kh and kw count. */
  readonly extent: readonly [number, number];
}

function windowOf(attributes: NodeAttributes, x: Value, dy: Value): GradientWindow {
  const {
    kernel_shape: kernel,
    strides,
    pads,
  } = attributes as unknown as Pick<Window, 'strides' | 'pads'> & {
    kernel_shape: Window['kernel'];
  };
  const along = (axis: 0 | 1): { pads: readonly [number, number]; extent: number } => {
    const size = x.shape[axis + 2];
    const reach = strides[axis] * (dy.shape[axis + 2] - 1);
    const after = Math.max(0, reach + kernel[axis] - size - pads[axis]);
    return { pads: [pads[axis], after], extent: size + pads[axis] + after - reach };
  };
  const [rows, columns] = [along(0), along(1)];
  return { kernel, strides, rows: rows.pads, columns: columns.pads, extent: [rows.extent, columns.extent] };
}

function dense(
  x: Value,
  inputs: number,
  dy: Value,
  outputs: number,
  { kernel, strides, rows, columns, extent }: GradientWindow,
  layout: BlockedLayout,
): Value {
  const { graph, block } = layout;
  const [batch, filledOutputs, height, width] = dy.shape;
  const [outer, inner] = [x.shape[1] / block, filledOutputs / block];
  // Columns of zeros are part of x: at the edge onnxruntime computes one output at a time.
  const padded = blockPad(x, [0, columns[0], 0, columns[1]], layout);
  const [, , fullHeight, fullWidth] = padded.shape;
  const planes = graph.transpose(
    graph.reshape(padded, [batch, outer, fullHeight * fullWidth * block]),
    [1, 0, 2],
  );
  const perImage = graph.op(
    'nchwc.Conv',
    [
      graph.reshape(planes, [outer, batch, fullHeight, fullWidth * block]),
      graph.reshape(dy, [batch * filledOutputs, 1, height, width]),
    ],
    {
      kernel_shape: [height, width],
      strides: [1, 1],
      dilations: [strides[0], strides[1] * block],
      pads: [rows[0], 0, rows[1], 0],
      group: batch,
    },
    [outer, batch * filledOutputs, extent[0], extent[1] * block],
  );
  const size = inner * extent[0] * extent[1] * block * block;
  const sum = reduce(graph, 'ReduceSum', graph.reshape(perImage, [outer, batch, size]), 1, false);
  const blocks = graph.reshape(sum, [outer, inner, ...extent, block, block]);
  const cut = slice(graph, blocks, [0, 0, 0, 0, 0, 0], [outer, inner, ...kernel, block, block]);
  const plain = graph.reshape(graph.transpose(cut, [1, 5, 0, 4, 2, 3]), [
    filledOutputs,
    x.shape[1],
    ...kernel,
  ]);
  return slice(graph, plain, [0, 0, 0, 0], [outputs, inputs, ...kernel]);
}

/** As above for x with few channels, not in blocks: its columns are neighbours as they are. */
function fewInputs(
  x: Value,
  dy: Value,
  outputs: number,
  { kernel, strides, rows, columns, extent }: GradientWindow,
  { graph, block }: BlockedLayout,
): Value {
  const inputs = x.shape[1];
  const [batch, filledOutputs, height, width] = dy.shape;
  const padded = pad(graph, x, [[0, 0], [0, 0], [0, 0], [...columns]], 'constant');
  const perImage = graph.op(
    'nchwc.Conv',
    [graph.transpose(padded, [1, 0, 2, 3]), graph.reshape(dy, [batch * filledOutputs, 1, height, width])],
    {
      kernel_shape: [height, width],
      strides: [1, 1],
      dilations: strides,
      pads: [rows[0], 0, rows[1], 0],
      group: batch,
    },
    [inputs, batch * filledOutputs, ...extent],
  );
  const size = filledOutputs * extent[0] * extent[1];
  const sum = reduce(graph, 'ReduceSum', graph.reshape(perImage, [inputs, batch, size]), 1, false);
  const blocks = graph.reshape(sum, [inputs, filledOutputs / block, ...extent, block]);
  const plain = graph.reshape(graph.transpose(blocks, [1, 4, 0, 2, 3]), [filledOutputs, inputs, ...extent]);
  return slice(graph, plain, [0, 0, 0, 0], [outputs, inputs, ...kernel]);
}

/** One filter per channel: images and channels alike are groups, and neither x nor dy is copied. */
function depthwise(
  x: Value,
  dy: Value,
  { kernel, strides, rows, columns, extent }: GradientWindow,
  layout: BlockedLayout,
): Value | undefined {
  const { graph, block } = layout;
  const [input, gradient] = [layout.enter(x), layout.enter(dy)];
  if (input === undefined || gradient === undefined) return undefined;
  const [batch, filled, height, width] = gradient.shape;
  const group = batch * filled;
  const perImage = graph.op(
    'nchwc.Conv',
    [
      graph.reshape(input, [1, group, ...input.shape.slice(2)]),
      graph.reshape(gradient, [group, 1, height, width]),
    ],
    {
      kernel_shape: [height, width],
      strides: [1, 1],
      dilations: strides,
      pads: [rows[0], columns[0], rows[1], columns[1]],
      group,
    },
    [1, group, ...extent],
  );
  const size = filled * extent[0] * extent[1];
  const sum = reduce(graph, 'ReduceSum', graph.reshape(perImage, [batch, size]), 0, false);
  const blocks = graph.reshape(sum, [filled / block, ...extent, block]);
  const plain = graph.reshape(graph.transpose(blocks, [0, 3, 1, 2]), [filled, 1, ...extent]);
  return slice(graph, plain, [0, 0, 0, 0], [x.shape[1], 1, ...kernel]);
}
