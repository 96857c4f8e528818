/**
 * Winograd's minimal filtering F(4,3) (Lavin and Gray, arXiv 1509.09308) along the rows of a 3 by 3 convolution: four
 * rows of output from six products instead of twelve. The columns are convolved as they are, so that each product is
 * a convolution with a kernel of 1 by 3, at the speed of the blocked layout. Rounding errors are about three times those
 * of the direct form.
 */
import type { Graph } from '../graph.js';
import { concat, slice } from '../kernels/shaping.js';
import { isConstant } from '../strided.js';
import type { NodeAttributes, Value } from '../value.js';
import type { BlockedLayout } from './layout.js';

const OUTPUTS = 4;
const TAPS = 6;

/** Rows of a tile of input to the six factors: B^T. */
const INPUT_TRANSFORM = [
  [4, 0, -5, 0, 1, 0],
  [0, -4, -4, 1, 1, 0],
  [0, 4, -4, -1, 1, 0],
  [0, -2, -1, 2, 1, 0],
  [0, 2, -1, -2, 1, 0],
  [0, 4, 0, -5, 0, 1],
];
/** Rows of the filter to the six other factors: G. */
const FILTER_TRANSFORM = [
  [1 / 4, 0, 0],
  [-1 / 6, -1 / 6, -1 / 6],
  [-1 / 6, 1 / 6, -1 / 6],
  [1 / 24, 1 / 12, 1 / 6],
  [1 / 24, -1 / 12, 1 / 6],
  [0, 0, 1],
];
/** The six products to four rows of output: A^T. */
const OUTPUT_TRANSFORM = [
  [1, 1, 1, 1, 1, 0],
  [0, 1, -1, 2, -2, 0],
  [0, 1, 1, 4, 4, 0],
  [0, 1, -1, 8, -8, 1],
];

/**
 * Below, the transforms cost more than the products save. Measured gain: 64 channels of 32 by 32 pixels 1.03, of 56 by 56
 * 1.3; 128 of 16 by 16 1.3; 256 of 8 by 8 1.6; a loss with 32 channels of 32 by 32 and 64 of 8 by 8.
 */
const MIN_CHANNELS = 64;
const MIN_WORK = 2048;
/** Share of the rows computed that are rows of output. */
const MIN_USE = 0.8;

/** Constant filters only: of those that change, the transform would have to be computed in every run. */
export function suitsWinograd(
  attributes: NodeAttributes,
  w: Value,
  [rows, columns]: readonly number[],
): boolean {
  const channels = Math.min(w.shape[0], w.shape[1]);
  const is = (name: string, value: number): boolean =>
    (attributes[name] as readonly number[]).every((element) => element === value);
  return (
    isConstant(w) &&
    is('kernel_shape', 3) &&
    is('strides', 1) &&
    is('dilations', 1) &&
    channels >= MIN_CHANNELS &&
    channels * columns >= MIN_WORK &&
    rows / (OUTPUTS * Math.ceil(rows / OUTPUTS)) >= MIN_USE
  );
}

/** Blocked x [N,C,H,W] convolved with w [O,C,3,3], the constant bias [O] added: blocked [N,O,h,w]. */
export function winograd(
  x: Value,
  w: Value,
  bias: Value | undefined,
  [top, left, bottom, right]: readonly number[],
  layout: BlockedLayout,
): Value {
  const { graph, block } = layout;
  const [batch, channels, height, width] = x.shape;
  const outputs = layout.padded(w.shape[0]);
  const rows = height + top + bottom - 2;
  const columns = width + left + right - 2;
  const tiles = Math.ceil(rows / OUTPUTS);
  /** [N,O,tiles,w] to [N * O/b, tiles, 1, w * b]: rows in one piece each. */
  const byRow = (value: Value): Value =>
    graph.reshape(value, [(batch * outputs) / block, tiles, 1, columns * block]);

  const below = OUTPUTS * tiles + 2 - height - top;
  const products = INPUT_TRANSFORM.map((taps, i) => {
    // The columns of zeros are part of the factor: at the edge onnxruntime computes one output at a time.
    const wide = [batch, channels, tiles, left + width + right];
    const factor = convolve(graph, [x, rowFilter(layout, taps, channels)], wide, {
      kernel_shape: [TAPS, 1],
      strides: [OUTPUTS, 1],
      pads: [top, left, below, right],
      group: channels,
    });
    return convolve(
      graph,
      [factor, layout.filter(transformed(graph, w, i))],
      [batch, outputs, tiles, columns],
      {
        kernel_shape: [1, 3],
        strides: [1, 1],
        pads: [0, 0, 0, 0],
        group: 1,
      },
    );
  });
  const stacked = graph.reshape(concat(graph, products.map(byRow), 2), [
    batch,
    outputs,
    TAPS * tiles,
    columns,
  ]);
  const offset = bias === undefined ? [] : [layout.vector(bias, w.shape[0])];
  const lines = OUTPUT_TRANSFORM.map((taps) =>
    convolve(
      graph,
      [stacked, rowFilter(layout, taps, outputs), ...offset],
      [batch, outputs, tiles, columns],
      {
        kernel_shape: [TAPS, 1],
        strides: [TAPS, 1],
        pads: [0, 0, 0, 0],
        group: outputs,
      },
    ),
  );
  const filled = concat(graph, lines.map(byRow), 2);
  const [planes] = filled.shape;
  const whole = graph.reshape(filled, [planes, OUTPUTS * tiles, columns * block]);
  const y = slice(graph, whole, [0, 0, 0], [planes, rows, columns * block]);
  return graph.reshape(y, [batch, outputs, rows, columns]);
}

const convolve = (
  graph: Graph,
  inputs: readonly Value[],
  shape: readonly number[],
  attributes: NodeAttributes,
): Value => graph.op('nchwc.Conv', inputs, { dilations: [1, 1], ...attributes }, shape);

/** The same `taps` down the rows of each channel, in blocks: stored as [C/b,1,6,1,b]. */
function rowFilter({ graph, block }: BlockedLayout, taps: readonly number[], channels: number): Value {
  const data = Float32Array.from({ length: channels * TAPS }, (_, i) => taps[Math.floor(i / block) % TAPS]);
  return graph.constant(data, [channels, 1, TAPS, 1]);
}

/** The factor `i` of a filter [O,C,3,3]: [O,C,1,3]. */
function transformed(graph: Graph, { data, shape }: Value, i: number): Value {
  const [outputs, inputs] = shape;
  const [first, second, third] = FILTER_TRANSFORM[i];
  const weights = data as Float32Array;
  const result = new Float32Array(outputs * inputs * 3);
  for (let filter = 0; filter < outputs * inputs; filter++) {
    for (let column = 0; column < 3; column++) {
      const at = 9 * filter + column;
      result[3 * filter + column] = first * weights[at] + second * weights[at + 3] + third * weights[at + 6];
    }
  }
  return graph.constant(result, [outputs, inputs, 1, 3]);
}
