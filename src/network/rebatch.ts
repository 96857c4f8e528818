import type { Graph, Node, Tensor } from '../../converters/model.js';
import { int64Tensor, toIntegers } from '../../converters/ops/support/constants.js';

/** Operators whose result does not depend on the elements of their input. */
const SHAPES_ONLY = new Set(['Shape', 'Size']);

/**
 * Models exported for a fixed batch hold it in the targets of their Reshapes. Where a Reshape of something computed
 * from the images has a stored target that begins with the old batch, it begins with the new one afterwards.
 */
export function rebatch(graph: Graph, from: number, to: number): Graph {
  if (from === to) return graph;
  const computed = new Set(graph.inputs.map(({ name }) => name));
  const initializers = new Map(graph.initializers);
  const nodes = graph.nodes.map((node) => {
    if (!SHAPES_ONLY.has(node.opType) && node.inputs.some((name) => computed.has(name))) {
      for (const name of node.outputs) computed.add(name);
    }
    const target = targetOf(node, graph, computed);
    if (target?.[0] !== from) return node;
    const [data, stored] = node.inputs;
    const name = freeName(`${stored}@${to}`, initializers);
    initializers.set(name, int64Tensor([to, ...target.slice(1)]));
    return { ...node, inputs: [data, name] };
  });
  return { ...graph, nodes, initializers };
}

function targetOf(node: Node, graph: Graph, computed: ReadonlySet<string>): number[] | undefined {
  if (node.opType !== 'Reshape' || !computed.has(node.inputs[0])) return undefined;
  const tensor = graph.initializers.get(node.inputs[1]);
  return tensor && toIntegers(tensor, 'target dimensions');
}

function freeName(name: string, taken: ReadonlyMap<string, Tensor>): string {
  return taken.has(name) ? freeName(`${name}'`, taken) : name;
}
