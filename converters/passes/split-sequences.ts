import type { Graph, Node, Tensor } from '../model.js';
import { int64Tensor, isInteger, toIntegers } from '../ops/support/constants.js';

/**
 * PyTorch's dynamo exporter writes `torch.chunk` as a sequence of which each part is taken out again. SequenceAt of a
 * SplitToSequence becomes a Slice, where
 * 1. the position is a constant from 0;
 * 2. the parts are given by constants: one length for all but the last, or a list of lengths.
 * A sequence that is not read any more is a dead node.
 */
export function splitSequences(graph: Graph): Graph {
  const sequences = new Map(
    graph.nodes.filter((node) => isOf(node, 'SplitToSequence')).map((node) => [node.outputs[0], node]),
  );
  if (sequences.size === 0) return graph;
  const initializers = new Map(graph.initializers);
  const store = (name: string, value: number): string => {
    const free = initializers.has(name) ? `${name}'` : name;
    initializers.set(free, int64Tensor([value]));
    return free;
  };
  const nodes = graph.nodes.map((node) => {
    const sequence = isOf(node, 'SequenceAt') ? sequences.get(node.inputs[0]) : undefined;
    const range = sequence && rangeOf(sequence, node, graph.initializers);
    if (!range) return node;
    const [output] = node.outputs;
    const [start, end, axis] = (['start', 'end', 'axis'] as const).map((key) =>
      store(`${output}/${key}`, range[key]),
    );
    return {
      ...node,
      opType: 'Slice',
      inputs: [sequence.inputs[0], start, end, axis],
      attributes: new Map(),
    };
  });
  return { ...graph, nodes, initializers };
}

function isOf(node: Node, opType: string): boolean {
  return node.domain === '' && node.opType === opType;
}

function rangeOf(
  sequence: Node,
  { inputs }: Node,
  constants: ReadonlyMap<string, Tensor>,
): { start: number; end: number; axis: number } | undefined {
  const split = constants.get(sequence.inputs[1] ?? '');
  const position = constants.get(inputs[1] ?? '');
  if (!split || !position || !isInteger(split.type) || !isInteger(position.type)) return undefined;
  const isList = split.dims.length > 0;
  const [index] = toIntegers(position, 'position');
  const lengths = toIntegers(split, 'lengths');
  if (!(index >= 0) || !(lengths[isList ? index : 0] > 0)) return undefined;
  const axis = sequence.attributes.get('axis');
  const start = isList
    ? lengths.slice(0, index).reduce((sum, length) => sum + length, 0)
    : index * lengths[0];
  return {
    start,
    end: start + lengths[isList ? index : 0],
    axis: axis?.kind === 'int' ? axis.value : 0,
  };
}
