/**
 * Rearranged filters, in terms of operators that onnxruntime has.
 *
 * 1. MirrorFilter of w [O,C/group,kh,kw]: inputs and outputs of each group exchanged by a Transpose, the positions
 *    reversed by a Slice.
 * 2. BlockFilter and UnblockFilter (blocked/layout.ts): a Transpose between channels and blocks of them, zeros added
 *    before or cut off after.
 */
import type { Graph } from '../graph.js';
import { pad, reverse, slice } from '../kernels/shaping.js';
import { rewrite, type Visit } from '../rewrite.js';
import type { GraphNode, Value } from '../value.js';

export const lowerFilters = (graph: Graph): Graph => rewrite(graph, visit);

const visit: Visit = (node, [w], target) => {
  switch (node.op) {
    case 'MirrorFilter':
      return mirror(node, w, target);
    case 'BlockFilter':
      return block(node, w, target);
    case 'UnblockFilter':
      return unblock(node, w, target);
    default:
      return undefined;
  }
};

function mirror({ attributes, outputs: [output] }: GraphNode, w: Value, graph: Graph): Value {
  const group = attributes['group'] as number;
  const [outputs, inputs, ...kernel] = w.shape;
  const grouped = graph.reshape(w, [group, outputs / group, inputs, ...kernel]);
  const exchanged = graph.reshape(graph.transpose(grouped, [0, 2, 1, 3, 4]), output.shape);
  return reverse(graph, exchanged, [2, 3]);
}

function block({ attributes, outputs: [output] }: GraphNode, w: Value, graph: Graph): Value {
  const size = attributes['block'] as number;
  const [outputs, inputs, ...kernel] = output.shape;
  const margins = w.shape.map((dim, axis): [number, number] => [0, output.shape[axis] - dim]);
  const channels = graph.reshape(pad(graph, w, margins, 'constant'), [
    outputs / size,
    size,
    inputs / size,
    size,
    ...kernel,
  ]);
  return graph.reshape(graph.transpose(channels, [0, 2, 4, 5, 3, 1]), output.shape);
}

function unblock({ attributes, outputs: [output] }: GraphNode, w: Value, graph: Graph): Value {
  const size = attributes['block'] as number;
  const [outputs, inputs, ...kernel] = w.shape;
  const blocks = graph.reshape(w, [outputs / size, inputs / size, ...kernel, size, size]);
  const channels = graph.reshape(graph.transpose(blocks, [0, 5, 1, 4, 2, 3]), w.shape);
  return slice(graph, channels, [0, 0, 0, 0], output.shape);
}
