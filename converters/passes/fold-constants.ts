import { inferGraph } from '../infer-shapes.js';
import type { Graph } from '../model.js';
import type { Shape } from '../ops/define-op.js';

/**
 * Replaces nodes whose result is known for the given input shapes by initializers: Constant nodes, and the chains of
 * Shape, Gather, Concat and their like that exporters write around Reshape and Pad. See `inferGraph` for the rule.
 * Requires: nodes in topological order. Ensures: value names, and the order of the nodes that stay, are unchanged.
 * @param inputShapes by input name
 * @returns the same graph where nothing folds
 */
export function foldConstants(graph: Graph, opset: number, inputShapes: ReadonlyMap<string, Shape>): Graph {
  const { constants } = inferGraph(graph, opset, inputShapes);
  const nodes = graph.nodes.filter((node) =>
    node.outputs.some((name) => name !== '' && !constants.has(name)),
  );
  if (nodes.length === graph.nodes.length) return graph;

  const initializers = new Map(graph.initializers);
  for (const name of nodes
    .flatMap((node) => node.inputs)
    .concat(graph.outputs.map((output) => output.name))) {
    const tensor = constants.get(name);
    if (tensor !== undefined) initializers.set(name, tensor);
  }
  return { ...graph, nodes, initializers };
}
