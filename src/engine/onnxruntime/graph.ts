/**
 * The compiler's intermediate form: the nodes of one traced step in topological order, with ONNX's operator names and
 * NCHW tensors. Integer operands that ONNX takes as input tensors (target shapes, axes, pads, clip bounds) are
 * attributes here, so that passes can read them; emit.ts turns them into initializers.
 */
import { foldConstant } from './constants.js';

export type ElementType = 'float32' | 'int32' | 'int64' | 'bool';
export type ConstantData = Float32Array | Int32Array | Uint8Array;
export type AttributeValue = number | string | readonly number[];
export type NodeAttributes = Readonly<Record<string, AttributeValue>>;

/** A tensor of the step: computed by `producer`, constant with `data`, or an input of the graph (neither). */
export interface Value {
  readonly id: number;
  readonly shape: readonly number[];
  readonly type: ElementType;
  readonly producer?: GraphNode;
  readonly data?: ConstantData;
}

export interface GraphNode {
  readonly op: string;
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  readonly attributes: NodeAttributes;
}

export interface OutputSpec {
  readonly shape: readonly number[];
  readonly type: ElementType;
}

export const sizeOf = (shape: readonly number[]): number => shape.reduce((size, dim) => size * dim, 1);
export const sameShape = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((dim, axis) => dim === b[axis]);

/** NumPy broadcasting of shapes known to be compatible. */
export function broadcastShapes(shapes: readonly (readonly number[])[]): number[] {
  const rank = Math.max(0, ...shapes.map((shape) => shape.length));
  return Array.from({ length: rank }, (_, axis) =>
    shapes.reduce((dim, shape) => Math.max(dim, shape[axis - rank + shape.length] ?? 1), 1),
  );
}

let nextId = 0;

export class Graph {
  readonly nodes: GraphNode[] = [];
  readonly inputs = new Map<string, Value>();
  readonly outputs = new Map<string, Value>();
  /** Equal nodes are made once: key is operator, operands and attributes. */
  private readonly interned = new Map<string, GraphNode>();
  private readonly constants = new Map<ConstantData, Value[]>();
  private readonly scalars = new Map<number, Value>();

  input(name: string, shape: readonly number[]): Value {
    const value: Value = { id: nextId++, shape, type: 'float32' };
    this.inputs.set(name, value);
    return value;
  }

  /** A constant; the same array in the same shape is one value. A uniform one is an Expand of its scalar. */
  constant(data: ConstantData, shape: readonly number[], type: ElementType = 'float32'): Value {
    if (data.length > 1 && type === 'float32' && data.every((element) => element === data[0])) {
      return this.expand(this.scalar(data[0]), shape);
    }
    const known = this.constants.get(data) ?? [];
    let value = known.find((other) => sameShape(other.shape, shape));
    if (value === undefined) {
      value = { id: nextId++, shape, type, data };
      this.constants.set(data, [...known, value]);
    }
    return value;
  }

  scalar(element: number): Value {
    let value = this.scalars.get(element);
    if (value === undefined) {
      value = { id: nextId++, shape: [], type: 'float32', data: Float32Array.of(element) };
      this.scalars.set(element, value);
    }
    return value;
  }

  expand(value: Value, shape: readonly number[]): Value {
    return sameShape(value.shape, shape) ? value : this.op('Expand', [value], {}, shape, value.type);
  }

  reshape(value: Value, shape: readonly number[]): Value {
    return sameShape(value.shape, shape) ? value : this.op('Reshape', [value], {}, shape, value.type);
  }

  transpose(value: Value, perm: readonly number[]): Value {
    const shape = perm.map((axis) => value.shape[axis]);
    return this.op('Transpose', [value], { perm }, shape, value.type);
  }

  /** An element-wise operator with broadcasting. */
  elementwise(
    op: string,
    inputs: readonly Value[],
    type: ElementType = 'float32',
    attributes: NodeAttributes = {},
  ): Value {
    return this.op(op, inputs, attributes, broadcastShapes(inputs.map((input) => input.shape)), type);
  }

  /** A node with one output. Constant operands are folded at once. */
  op(
    op: string,
    inputs: readonly Value[],
    attributes: NodeAttributes,
    shape: readonly number[],
    type: ElementType = 'float32',
  ): Value {
    const folded = foldConstant(op, inputs, attributes, shape);
    if (folded !== undefined) return this.constant(folded, shape, type);
    return this.node(op, inputs, attributes, [{ shape, type }])[0];
  }

  node(
    op: string,
    inputs: readonly Value[],
    attributes: NodeAttributes,
    outputs: readonly OutputSpec[],
  ): readonly Value[] {
    const key = `${op}|${inputs.map((input) => input.id).join()}|${JSON.stringify(attributes)}|${JSON.stringify(outputs)}`;
    let node = this.interned.get(key);
    if (node === undefined) {
      const made: GraphNode & { outputs: Value[] } = { op, inputs, attributes, outputs: [] };
      for (const { shape, type } of outputs) made.outputs.push({ id: nextId++, shape, type, producer: made });
      node = made;
      this.interned.set(key, node);
      this.nodes.push(node);
    }
    return node.outputs;
  }
}

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

/**
 * Called for each live node with its operands already rewritten; returns the values that stand for its outputs, made
 * with `target`, or undefined to keep the node as it is.
 */
export type Visit = (
  node: GraphNode,
  inputs: readonly Value[],
  target: Graph,
) => readonly Value[] | Value | undefined;

/** Rebuilds the graph node by node; what no output needs falls away. */
export function rewrite(source: Graph, visit: Visit): Graph {
  const target = new Graph();
  const mapped = new Map<Value, Value>();
  for (const [name, value] of source.inputs) {
    target.inputs.set(name, value);
    mapped.set(value, value);
  }
  const lookUp = (value: Value): Value => {
    if (value.data === undefined) return mapped.get(value)!;
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
