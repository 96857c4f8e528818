import * as tf from '@tensorflow/tfjs-core';
import { inferGraph } from '../../converters/infer-shapes.js';
import type { Graph } from '../../converters/model.js';
import type { Case } from './operator-cases.js';

/** The operator as a function of the tensors that do not have to be constant, in the graph's order. */
export function functionOf(item: Case, graph: Graph): (xs: readonly tf.Tensor[]) => tf.Tensor[] {
  const open = graph.inputs.map(({ name }) => name);
  const shapes = new Map(open.map((name) => [name, item.inputs[Number(name.slice(1))]!.dims]));
  const [node] = graph.nodes;
  const { definition, attributes, context } = inferGraph(graph, item.opset, shapes).operations.get(node)!;
  return (xs) => {
    const tensors = node.inputs.map((name) => (open.includes(name) ? xs[open.indexOf(name)] : undefined));
    return definition.forward!(tf, tensors, attributes, context).slice(0, item.outputs);
  };
}
