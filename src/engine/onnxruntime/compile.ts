/** From a traced step to the graph that runs: the passes in their order. */
import type { Graph } from './graph.js';
import { mergePads } from './passes/merge-pads.js';
import { simplify } from './passes/simplify.js';

export type Pass = (graph: Graph) => Graph;

/** Each by name, so that a benchmark can leave one out. */
export const PASSES: ReadonlyMap<string, Pass> = new Map<string, Pass>([
  ['simplify', simplify],
  ['merge-pads', mergePads],
]);

export function optimise(graph: Graph, without: ReadonlySet<string> = new Set()): Graph {
  let result = graph;
  for (const [name, pass] of PASSES) if (!without.has(name)) result = pass(result);
  return result;
}
