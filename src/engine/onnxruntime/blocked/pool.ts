/** Pools of blocked values, and the gradient of max pools. */
import type { GraphNode, Value } from '../value.js';
import { interleave } from './interleave.js';
import type { BlockedLayout } from './layout.js';

/** MaxPool (its maxima only) and AveragePool. */
export function blockPool(node: GraphNode, x: Value, layout: BlockedLayout): Value | undefined {
  if (node.outputs.length > 1 || !layout.isBlocked(x)) return undefined;
  const { shape } = node.outputs[0];
  return layout.leave(pool(node.op, layout.enter(x)!, node, shape, layout), shape[1]);
}

function pool(
  op: string,
  x: Value,
  { attributes }: GraphNode,
  [batch, , height, width]: readonly number[],
  { graph }: BlockedLayout,
): Value {
  return graph.op(`nchwc.${op}`, [x], attributes, [batch, x.shape[1], height, width]);
}

/**
 * MaxUnpool of dy to the maxima of a MaxPool whose windows tile its input: each position of the windows is compared with
 * the maximum, and dy goes to the first that equals it.
 */
export function blockMaxUnpool(
  node: GraphNode,
  [dy, indices]: readonly Value[],
  layout: BlockedLayout,
): Value | undefined {
  const source = indices.producer;
  if (source?.op !== 'MaxPool' || !layout.isBlocked(source.inputs[0])) return undefined;
  const gradient = layout.enter(dy);
  if (gradient === undefined) return undefined;
  const { graph, block } = layout;
  const x = layout.enter(source.inputs[0])!;
  const [batch, channels, height, width] = x.shape;
  const [rows, columns] = node.attributes['kernel_shape'] as readonly number[];
  const maximum = pool('MaxPool', x, source, dy.shape, layout);
  const small = maximum.shape;

  let left: Value = graph.scalar(1);
  const lines = Array.from({ length: rows }, (_line, row) => {
    const parts = Array.from({ length: columns }, (_part, column) => {
      const element = positionOf(x, [rows, columns], row * columns + column, small, layout);
      const distance = graph.elementwise('Sub', [element, maximum]);
      // 1 where they are equal, 0 where the element is less by any float32.
      const isMaximum = graph.elementwise('HardSigmoid', [distance], 'float32', { alpha: 2 ** 100, beta: 1 });
      const isFirst = graph.elementwise('Mul', [isMaximum, left]);
      left = graph.elementwise('Sub', [left, isFirst]);
      return graph.elementwise('Mul', [isFirst, gradient]);
    });
    const line = [(batch * channels * small[2]) / block, width, block];
    return graph.reshape(interleave(graph, parts, line), [
      (batch * channels) / block,
      small[2],
      width * block,
    ]);
  });
  const whole = interleave(graph, lines, [(batch * channels) / block, height, width * block]);
  return layout.leave(graph.reshape(whole, x.shape), dy.shape[1]);
}

/** The elements of x at one position of each window, by a convolution whose filter is 1 there. */
function positionOf(
  x: Value,
  kernel: readonly number[],
  position: number,
  shape: readonly number[],
  { graph, block }: BlockedLayout,
): Value {
  const channels = x.shape[1];
  const size = kernel[0] * kernel[1];
  const data = Float32Array.from({ length: channels * size }, (_, i) =>
    Math.floor(i / block) % size === position ? 1 : 0,
  );
  return graph.op(
    'nchwc.Conv',
    [x, graph.constant(data, [channels, 1, ...kernel])],
    { kernel_shape: kernel, strides: kernel, dilations: [1, 1], pads: [0, 0, 0, 0], group: channels },
    shape,
  );
}
