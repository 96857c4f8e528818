/**
 * The filters of input gradients, in terms of operators that onnxruntime has.
 *
 * 1. MirrorFilter of w [O,C/group,kh,kw]: inputs and outputs of each group exchanged by a Transpose, the positions
 *    reversed by a Slice.
 */
import type { Graph } from '../graph.js';
import { reverse } from '../kernels/shaping.js';
import { rewrite, type Visit } from '../rewrite.js';

export const mirrorFilters = (graph: Graph): Graph => rewrite(graph, visit);

const visit: Visit = (node, [w], target) => {
  if (node.op !== 'MirrorFilter') return undefined;
  const group = node.attributes['group'] as number;
  const [outputs, inputs, ...kernel] = w.shape;
  const grouped = target.reshape(w, [group, outputs / group, inputs, ...kernel]);
  const exchanged = target.reshape(target.transpose(grouped, [0, 2, 1, 3, 4]), node.outputs[0].shape);
  return reverse(target, exchanged, [2, 3]);
};
