/** Walks over a Graph: what is alive, who reads what, and rebuilding it node by node. */
import { Graph } from './graph.js';
import { isConstant, isPlain } from './strided.js';
import type { GraphNode, Value } from './value.js';

/** Nodes that some output depends on, in order. */
export function liveNodes(graph: Graph): GraphNode[] {
  const needed = new Set<Value>(graph.outputs.values());
  const live: GraphNode[] = [];
  for (const node of [...graph.nodes].reverse()) {
    if (!node.outputs.some((output) => needed.has(output))) continue;
    for (const input of node.inputs) needed.add(input);
    live.push(node);
  }
  return live.reverse();
}

/** The live nodes that read each value. */
export function usersOf(graph: Graph): Map<Value, GraphNode[]> {
  const users = new Map<Value, GraphNode[]>();
  for (const node of liveNodes(graph)) {
    for (const input of new Set(node.inputs)) {
      const list = users.get(input);
      if (list === undefined) users.set(input, [node]);
      else list.push(node);
    }
  }
  return users;
}

/** The position of each live node. */
export const orderOf = (graph: Graph): Map<GraphNode, number> =>
  new Map(liveNodes(graph).map((node, position) => [node, position]));

/**
 * Whether the value is computed from what the node yields.
 * @param order see `orderOf`
 */
export function follows(value: Value, node: GraphNode, order: ReadonlyMap<GraphNode, number>): boolean {
  const start = order.get(node)!;
  const seen = new Set<GraphNode>();
  const pending = [value];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { producer } = next;
    if (producer === node) return true;
    if (producer === undefined || seen.has(producer) || order.get(producer)! < start) continue;
    seen.add(producer);
    pending.push(...producer.inputs);
  }
  return false;
}

/**
 * Called for each live node with its operands already rewritten; returns the values that stand for its outputs, made
 * with `target`, or undefined to keep the node as it is.
 */
export type Visit = (
  node: GraphNode,
  inputs: readonly Value[],
  target: Graph,
) => readonly Value[] | Value | undefined;

/**
 * Rebuilds the graph node by node; what no output needs falls away.
 * @param asInput what the readers of a graph input get; default: the input
 */
export function rewrite(
  source: Graph,
  visit: Visit,
  asInput: (name: string, input: Value, target: Graph) => Value = (_, input) => input,
): Graph {
  const target = new Graph();
  const mapped = new Map<Value, Value>();
  for (const [name, value] of source.inputs) {
    target.inputs.set(name, value);
    mapped.set(value, asInput(name, value, target));
  }
  const lookUp = (value: Value): Value => {
    if (!isConstant(value)) return mapped.get(value)!;
    if (!isPlain(value.elements)) return value;
    return value.shape.length === 0 && value.type === 'float32'
      ? target.scalar(value.data[0])
      : target.constant(value.data, value.shape, value.type);
  };
  for (const node of liveNodes(source)) {
    const inputs = node.inputs.map(lookUp);
    const result = visit(node, inputs, target) ?? copyNode(node, inputs, target);
    const values = Array.isArray(result) ? (result as readonly Value[]) : [result as Value];
    node.outputs.forEach((output, index) => mapped.set(output, values[index]));
  }
  for (const [name, value] of source.outputs) target.outputs.set(name, lookUp(value));
  return target;
}

function copyNode(node: GraphNode, inputs: readonly Value[], target: Graph): readonly Value[] {
  if (node.op === 'Reshape') return [target.reshape(inputs[0], node.outputs[0].shape)];
  if (node.outputs.length > 1)
    return target.node(
      node.op,
      inputs,
      node.attributes,
      node.outputs.map(({ shape, type }) => ({ shape, type })),
    );
  const [{ shape, type }] = node.outputs;
  return [target.op(node.op, inputs, node.attributes, shape, type)];
}
