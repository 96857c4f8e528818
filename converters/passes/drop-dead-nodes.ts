import type { Graph } from '../model.js';

/**
 * What the chosen outputs (default: all) depend on:
 * 1. nodes without a path to them go, with their constants; 2. other graph outputs are no longer listed.
 * Inputs stay: they are the model's signature. In memory only; the file keeps its dead nodes.
 */
export function dropDeadNodes(
  graph: Graph,
  outputs: readonly string[] = graph.outputs.map(({ name }) => name),
): Graph {
  const live = new Set(outputs);
  const nodes = [];
  // Consumers come after producers, so one walk from the end sees every reader of a value before its producer.
  for (const node of graph.nodes.toReversed()) {
    if (!node.outputs.some((name) => live.has(name))) continue;
    nodes.push(node);
    for (const name of node.inputs) if (name !== '') live.add(name);
  }
  return {
    nodes: nodes.reverse(),
    inputs: graph.inputs,
    outputs: graph.outputs.filter(({ name }) => outputs.includes(name)),
    initializers: new Map([...graph.initializers].filter(([name]) => live.has(name))),
  };
}
