/**
 * The compiler's intermediate form: the nodes of one traced step in topological order, with ONNX's operator names and
 * NCHW tensors. Integer operands that ONNX takes as input tensors (target shapes, axes, pads, clip bounds) are
 * attributes here, so that passes can read them; emit.ts turns them into initializers.
 */
import { foldConstant } from './constants.js';
import {
  broadcastShapes,
  type ConstantData,
  type ElementType,
  type GraphNode,
  type NodeAttributes,
  type OutputSpec,
  sameShape,
  type Value,
} from './value.js';
import { Constant, isPlain, plain } from './strided.js';

/** A loop, because the ones that gradients make are as large as activations. */
function isUniform(data: ConstantData): boolean {
  const first = data[0];
  for (let index = 1; index < data.length; index++) if (data[index] !== first) return false;
  return true;
}

let nextId = 0;

/** Attributes are handed on from graph to graph, and never changed. */
const written = new WeakMap<NodeAttributes, string>();

/** The same for equal operators on the same operands. */
function keyOf(op: string, inputs: readonly Value[], attributes: NodeAttributes): string {
  let key = written.get(attributes);
  if (key === undefined) {
    key = JSON.stringify(attributes);
    written.set(attributes, key);
  }
  for (const { id } of inputs) key += `,${id}`;
  return key + op;
}

export class Graph {
  readonly nodes: GraphNode[] = [];
  readonly inputs = new Map<string, Value>();
  readonly outputs = new Map<string, Value>();
  /** Equal nodes are made once: key is operator, operands and attributes. */
  private readonly interned = new Map<string, GraphNode>();
  private readonly constants = new Map<ConstantData, Value[]>();
  private readonly folded = new Map<string, Value>();
  private readonly scalars = new Map<number, Value>();

  input(name: string, shape: readonly number[]): Value {
    const value: Value = { id: nextId++, shape, type: 'float32' };
    this.inputs.set(name, value);
    return value;
  }

  /** A constant; the same array in the same shape is one value. A uniform one is an Expand of its scalar. */
  constant(data: ConstantData, shape: readonly number[], type: ElementType = 'float32'): Value {
    if (data.length > 1 && type === 'float32' && isUniform(data)) {
      return this.expand(this.scalar(data[0]), shape);
    }
    const known = this.constants.get(data) ?? [];
    let value = known.find((other) => sameShape(other.shape, shape));
    if (value === undefined) {
      value = new Constant(nextId++, shape, type, plain(data, shape));
      this.constants.set(data, [...known, value]);
    }
    return value;
  }

  scalar(element: number): Value {
    let value = this.scalars.get(element);
    if (value === undefined) {
      value = new Constant(nextId++, [], 'float32', plain(Float32Array.of(element), []));
      this.scalars.set(element, value);
    }
    return value;
  }

  expand(value: Value, shape: readonly number[]): Value {
    return sameShape(value.shape, shape) ? value : this.op('Expand', [value], {}, shape, value.type);
  }

  /** A Reshape of a Reshape is one. */
  reshape(value: Value, shape: readonly number[]): Value {
    const source = value.producer?.op === 'Reshape' ? value.producer.inputs[0] : value;
    return sameShape(source.shape, shape) ? source : this.op('Reshape', [source], {}, shape, value.type);
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
    return (
      this.fold(op, inputs, attributes, shape) ?? this.node(op, inputs, attributes, [{ shape, type }])[0]
    );
  }

  private fold(
    op: string,
    inputs: readonly Value[],
    attributes: NodeAttributes,
    shape: readonly number[],
  ): Value | undefined {
    const elements = foldConstant(op, inputs, attributes, shape);
    if (elements === undefined) return undefined;
    if (isPlain(elements)) return this.constant(elements.source.data, shape);
    const key = keyOf(op, inputs, attributes);
    let value = this.folded.get(key);
    if (value === undefined) {
      value = new Constant(nextId++, shape, 'float32', elements);
      this.folded.set(key, value);
    }
    return value;
  }

  node(
    op: string,
    inputs: readonly Value[],
    attributes: NodeAttributes,
    outputs: readonly OutputSpec[],
  ): readonly Value[] {
    let key = keyOf(op, inputs, attributes);
    for (const { shape, type } of outputs) key += `|${type} ${shape.join()}`;
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
