import { DfkdError } from './errors.js';
import type { Node } from './model.js';

/**
 * The nodes in topological order: as they stand where that is one already, which ONNX asks of every file.
 * `known` are the names of graph inputs and initializers.
 * @throws DfkdError E_MODEL when a value is produced twice or read without being produced, or nodes form a cycle
 */
export function sortNodes(nodes: readonly Node[], known: ReadonlySet<string>): readonly Node[] {
  const producers = findProducers(nodes, known);
  const sorted: Node[] = [];
  const done = new Set<Node>();
  const open = new Set<Node>();
  for (const root of nodes) {
    // Depth first with a stack of our own: chains may be longer than the call stack.
    const stack = [root];
    while (stack.length > 0) {
      const node = stack[stack.length - 1];
      const pending = done.has(node) ? [] : pendingProducers(node, producers, known, done);
      if (pending.length === 0) {
        stack.pop();
        open.delete(node);
        if (!done.has(node)) sorted.push(node);
        done.add(node);
      } else if (open.has(node)) {
        throw new DfkdError('E_MODEL', `Node '${node.label}' depends on its own output.`);
      } else {
        open.add(node);
        for (const producer of pending) stack.push(producer);
      }
    }
  }
  return sorted;
}

function findProducers(nodes: readonly Node[], known: ReadonlySet<string>): Map<string, Node> {
  const producers = new Map<string, Node>();
  for (const node of nodes) {
    for (const output of node.outputs) {
      if (output === '') continue;
      if (producers.has(output) || known.has(output)) {
        throw new DfkdError('E_MODEL', `Value '${output}' is produced twice.`);
      }
      producers.set(output, node);
    }
  }
  return producers;
}

function pendingProducers(
  node: Node,
  producers: ReadonlyMap<string, Node>,
  known: ReadonlySet<string>,
  done: ReadonlySet<Node>,
): Node[] {
  const pending: Node[] = [];
  for (const input of node.inputs) {
    if (input === '' || known.has(input)) continue;
    const producer = producers.get(input);
    if (!producer) {
      throw new DfkdError('E_MODEL', `Node '${node.label}' reads '${input}', which nothing produces.`);
    }
    if (!done.has(producer)) pending.push(producer);
  }
  return pending;
}
