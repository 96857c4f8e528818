/**
 * Gradients of convolutions with respect to their filters, in terms of operators that onnxruntime has.
 *
 * 1. Dense, stride 1: one batched matrix product, of copies of dy moved by rows with copies of x moved by columns: kh + kw
 *    of them serve kh * kw positions, and the middle ones are often no copies at all.
 * 2. Dense, other strides: likewise, of dy with strided slices of x, one for each position.
 * 3. Depthwise: per kernel position the sum of dy * x over batch and pixels.
 */
import type { Graph } from '../graph.js';
import type { Window } from '../kernels/convolution.js';
import { matMul, reduce } from '../kernels/reduction.js';
import { concat, pad, slice } from '../kernels/shaping.js';
import { rewrite, type Visit } from '../rewrite.js';
import type { NodeAttributes, Value } from '../value.js';

export const filterGradients = (graph: Graph): Graph => rewrite(graph, visit);

const visit: Visit = (node, [x, dy], target) => {
  if (node.op !== 'ConvFilterGradient') return undefined;
  const window = windowOf(node.attributes);
  return node.attributes['group'] === 1 ? dense(target, x, dy, window) : depthwise(target, x, dy, window);
};

const windowOf = ({ kernel_shape: kernel, strides, dilations, pads }: NodeAttributes): Window =>
  ({ kernel, strides, dilations, pads }) as Window;

function* positions([height, width]: readonly number[]): Generator<readonly [number, number]> {
  for (let row = 0; row < height; row++) for (let column = 0; column < width; column++) yield [row, column];
}

/** w [O,C,kh,kw] for x [N,C,H,W], dy [N,O,h,w]. */
function dense(graph: Graph, x: Value, dy: Value, window: Window): Value {
  const [outputs, inputs] = [dy.shape[1], x.shape[1]];
  const [rows, columns] = window.kernel;
  if (window.strides.some((stride) => stride !== 1)) {
    const sum = correlate(graph, [dy], shifted(graph, x, dy, window));
    const filter = graph.transpose(graph.reshape(sum, [outputs, rows * columns, inputs]), [0, 2, 1]);
    return graph.reshape(filter, [outputs, inputs, rows, columns]);
  }
  const { dilations, pads } = window;
  const byColumn = Array.from({ length: columns }, (_, column) =>
    move(graph, x, 3, pads[1] - column * dilations[1], dy.shape[3]),
  );
  const byRow = Array.from({ length: rows }, (_, row) =>
    move(graph, dy, 2, row * dilations[0] - pads[0], x.shape[2]),
  );
  const sum = correlate(graph, byRow, byColumn);
  return graph.transpose(graph.reshape(sum, [rows, outputs, columns, inputs]), [1, 3, 0, 2]);
}

/** Sums over images and pixels of every a * b, channel by channel: [a's channels, b's], the forms of each one after the other. */
function correlate(graph: Graph, a: readonly Value[], b: readonly Value[]): Value {
  const flat = (forms: readonly Value[]): Value => {
    const whole = concat(graph, forms, 1);
    const [batch, channels, height, width] = whole.shape;
    return graph.reshape(whole, [batch, channels, height * width]);
  };
  return reduce(graph, 'ReduceSum', matMul(graph, flat(a), flat(b), false, true), 0, false);
}

/** The value with `before` zeros in front along an axis (or as many elements less), cut or filled to `size`. */
function move(graph: Graph, value: Value, axis: 2 | 3, before: number, size: number): Value {
  const margins: [number, number][] = value.shape.map(() => [0, 0]);
  margins[axis] = [before, size - value.shape[axis] - before];
  return pad(graph, value, margins, 'constant');
}

/** For each kernel position, the elements of x under it, one per output position: [N,C,h,w]. */
function shifted(graph: Graph, x: Value, dy: Value, { kernel, strides, dilations, pads }: Window): Value[] {
  const none = [0, 0] as const;
  const padded = pad(graph, x, [none, none, [pads[0], pads[2]], [pads[1], pads[3]]], 'constant');
  const shape = [...x.shape.slice(0, 2), ...dy.shape.slice(2)];
  return [...positions(kernel)].map(([row, column]) =>
    slice(graph, padded, [0, 0, row * dilations[0], column * dilations[1]], shape, [1, 1, ...strides]),
  );
}

/** w [C*M,1,kh,kw] for x [N,C,H,W], dy [N,C*M,h,w]. */
function depthwise(graph: Graph, x: Value, dy: Value, window: Window): Value {
  const [batch, outputs, height, width] = dy.shape;
  const channels = x.shape[1];
  const grouped = graph.reshape(dy, [batch, channels, outputs / channels, height, width]);
  const slabs = shifted(graph, x, dy, window).map((form) => {
    const single = graph.reshape(form, [batch, channels, 1, height, width]);
    const sum = reduce(graph, 'ReduceSum', graph.elementwise('Mul', [grouped, single]), [0, 3, 4], true);
    return graph.reshape(sum, [1, outputs]);
  });
  const stacked = graph.reshape(concat(graph, slabs, 0), [...window.kernel, outputs, 1]);
  return graph.transpose(stacked, [2, 3, 0, 1]);
}
