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
import { matMul, reduce } from '../kernels/reduction.js';
import { concat, pad, slice } from '../kernels/shaping.js';
import type { NodeAttributes, Value } from '../value.js';
import { blockPad } from './elementwise.js';
import type { BlockedLayout } from './layout.js';

/**
 * Up to this many pixels per image the sum over images costs more than the copies of a matrix product (measured at 4 by
 * 4 pixels and 512 channels: 28 ms and 12 ms more for the sum against 13).
 */
const FEW_PIXELS = 16;

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
  const gradient = layout.enter(dy);
  if (gradient === undefined) return undefined;
  // Images stand where onnxruntime counts channels.
  const asChannels = batch < block || batch % block === 0;
  if (inputs < block && !layout.isBlocked(x))
    return asChannels ? fewInputs(x, gradient, outputs, window, layout) : undefined;
  const input = layout.enter(x);
  if (input === undefined) return undefined;
  const convolve = asChannels && dy.shape[2] * dy.shape[3] > FEW_PIXELS;
  const filter = (convolve ? byConvolution : byProduct)(input, gradient, window, layout);
  return layout.plainFilter(filter, outputs, inputs);
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

/** Blocked x [N,C,H,W] and dy [N,O,h,w] to the blocked filter [O,C,kh,kw]. */
function byConvolution(
  x: Value,
  dy: Value,
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
  const shape = [filledOutputs, x.shape[1], ...kernel];
  return graph.reshape(graph.transpose(cut, [1, 0, 2, 3, 4, 5]), shape);
}

/** As above by one matrix product over all images, from a copy of x per kernel position: where pixels are few. */
function byProduct(
  x: Value,
  dy: Value,
  { kernel, strides, rows, columns }: GradientWindow,
  layout: BlockedLayout,
): Value {
  const { graph, block } = layout;
  const [batch, outputs, height, width] = dy.shape;
  const inputs = x.shape[1];
  const channelsLast = (value: Value): Value => {
    const [, channels, ...pixels] = value.shape;
    const blocks = graph.reshape(value, [batch, channels / block, ...pixels, block]);
    return graph.reshape(graph.transpose(blocks, [0, 2, 3, 1, 4]), [batch, ...pixels, channels]);
  };
  const padded = channelsLast(blockPad(x, [rows[0], columns[0], rows[1], columns[1]], layout));
  const positions = Array.from({ length: kernel[0] * kernel[1] }, (_, i) =>
    slice(
      graph,
      padded,
      [0, Math.floor(i / kernel[1]), i % kernel[1], 0],
      [batch, height, width, inputs],
      [1, ...strides, 1],
    ),
  );
  const pixels = batch * height * width;
  const product = matMul(
    graph,
    graph.reshape(concat(graph, positions, 3), [pixels, positions.length * inputs]),
    graph.reshape(channelsLast(dy), [pixels, outputs]),
    true,
  );
  const blocks = graph.reshape(product, [positions.length, inputs / block, block, outputs / block, block]);
  return graph.reshape(graph.transpose(blocks, [3, 1, 0, 2, 4]), [outputs, inputs, ...kernel]);
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
