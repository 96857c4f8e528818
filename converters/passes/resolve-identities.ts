import type { Graph, Node } from '../model.js';

/**
 * Consumers read the source of an alias instead of the alias:
 * 1. Identity (exporters share initializers through it);
 * 2. Dropout, whatever its ratio and training_mode: the model is read as inference.
 * The alias node goes, unless it yields a graph output, whose name is part of the model, or a mask that is read.
 */
export function resolveIdentities(graph: Graph): Graph {
  const source = findSources(graph);
  const outputs = new Set(graph.outputs.map(({ name }) => name));
  const read = new Set(graph.nodes.flatMap(({ inputs }) => inputs));
  const isNeeded = (node: Node) =>
    !isAlias(node) || outputs.has(node.outputs[0]) || node.outputs.slice(1).some((mask) => read.has(mask));
  const nodes = graph.nodes
    .filter(isNeeded)
    .map((node) => (node.inputs.some((name) => source(name) !== name) ? rewire(node, source) : node));
  return { ...graph, nodes };
}

/** Maps every value to the one it is an alias of, itself where it is none. */
export function findSources(graph: Graph): (name: string) => string {
  const sources = new Map<string, string>();
  const source = (name: string) => sources.get(name) ?? name;
  // In topological order, so that the source of a chain of aliases is its first value.
  for (const node of graph.nodes) if (isAlias(node)) sources.set(node.outputs[0], source(node.inputs[0]));
  return source;
}

function isAlias(node: Node): boolean {
  const isAliasType = node.opType === 'Identity' || node.opType === 'Dropout';
  return node.domain === '' && isAliasType && Boolean(node.inputs[0]) && Boolean(node.outputs[0]);
}

function rewire(node: Node, source: (name: string) => string): Node {
  return { ...node, inputs: node.inputs.map(source) };
}
