/**
 * Weights that change from run to run stay in blocks between runs: what an optimiser does to each weight by itself is
 * the same in any order, and rearranging millions of them in every run is not free.
 */
import type { Graph } from '../graph.js';
import { ELEMENTWISE } from '../passes/elementwise.js';
import { liveNodes, rewrite } from '../rewrite.js';
import { type GraphNode, type Value, sameShape, sizeOf } from '../value.js';
import { BlockedLayout } from './layout.js';

/** A graph, and the names of those of its inputs (outputs have the same names) that are filters in blocks. */
export interface BlockedState {
  readonly graph: Graph;
  readonly blocked: ReadonlySet<string>;
}

/**
 * A state entry goes into blocks where an element-wise path leads from or to a BlockFilter or UnblockFilter; along that
 * path everything is computed in blocks, and so are sums over all of it.
 */
export function blockState(source: Graph, block: number): BlockedState {
  const paths = new Paths();
  const whole = ({ shape }: Value): boolean =>
    shape.length === 4 && shape[0] % block === 0 && shape[1] % block === 0;
  for (const [name, input] of source.inputs) {
    const output = source.outputs.get(name);
    if (output !== undefined && whole(input)) paths.join(input, output);
  }
  const joins = ({ op, inputs, outputs: [output] }: GraphNode): boolean =>
    ELEMENTWISE.has(op) &&
    output.type === 'float32' &&
    whole(output) &&
    inputs.every(({ shape }) => sameShape(shape, output.shape) || shape.every((dim) => dim === 1));
  const nodes = liveNodes(source);
  for (const node of nodes.filter(joins)) {
    for (const input of node.inputs) {
      if (sameShape(input.shape, node.outputs[0].shape) && input.data === undefined)
        paths.join(input, node.outputs[0]);
    }
  }
  for (const { op, inputs, outputs } of nodes) {
    if (op === 'BlockFilter' && whole(inputs[0])) paths.mark(inputs[0]);
    if (op === 'UnblockFilter' && whole(outputs[0])) paths.mark(outputs[0]);
  }

  const blocked = new Set(
    [...source.inputs]
      .filter(([name, input]) => source.outputs.has(name) && paths.isMarked(input))
      .map(([name]) => name),
  );
  const inBlocks = (value: Value): boolean =>
    [...blocked].some((name) => paths.connected(value, source.inputs.get(name)!));
  const moved = new Set(nodes.filter((node) => joins(node) && inBlocks(node.outputs[0])));
  const summed = new Set(nodes.filter((node) => isTotal(node) && inBlocks(node.inputs[0])));
  const plain = (value: Value, target: Graph): Value =>
    new BlockedLayout(target, block).plainFilter(value, value.shape[0], value.shape[1]);
  const graph = rewrite(
    source,
    (node, inputs, target) => {
      const [output] = node.outputs;
      const layout = new BlockedLayout(target, block);
      if (summed.has(node))
        return target.op(node.op, [layout.filter(inputs[0])], node.attributes, output.shape);
      if (!moved.has(node)) return node.op === 'BlockFilter' ? layout.filter(inputs[0]) : undefined;
      const operands = inputs.map((input) =>
        sameShape(input.shape, output.shape) ? layout.filter(input) : input,
      );
      return plain(target.op(node.op, operands, node.attributes, output.shape), target);
    },
    (name, input, target) => (blocked.has(name) ? plain(input, target) : input),
  );
  for (const name of blocked)
    graph.outputs.set(name, new BlockedLayout(graph, block).filter(graph.outputs.get(name)!));
  return { graph, blocked };
}

/** Over all elements, in whatever order. */
function isTotal({ op, inputs: [x], outputs: [output] }: GraphNode): boolean {
  return op === 'ReduceSum' && x.shape.length === 4 && sizeOf(output.shape) === 1;
}

/** Values by the element-wise path they are on (disjoint sets), of which some are marked. */
class Paths {
  private readonly parents = new Map<Value, Value>();
  private readonly marked = new Set<Value>();

  private root(value: Value): Value {
    let root = value;
    for (let parent = this.parents.get(root); parent !== undefined; parent = this.parents.get(root))
      root = parent;
    return root;
  }

  join(a: Value, b: Value): void {
    const [from, to] = [this.root(a), this.root(b)];
    if (from === to) return;
    this.parents.set(from, to);
    if (this.marked.has(from)) this.marked.add(to);
  }

  mark(value: Value): void {
    this.marked.add(this.root(value));
  }

  isMarked(value: Value): boolean {
    return this.marked.has(this.root(value));
  }

  connected(a: Value, b: Value): boolean {
    return this.root(a) === this.root(b);
  }
}
