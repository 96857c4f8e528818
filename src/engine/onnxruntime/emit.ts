/** Writes a Graph as an ONNX file for onnxruntime: integer operands become initializers, names are made. */
import type { DataType, Tensor } from '../../../converters/model.js';
import { type NodeSpec, encodeModel } from '../../../converters/encode.js';
import type { Graph } from './graph.js';
import { liveNodes } from './rewrite.js';
import type { ElementType, GraphNode, NodeAttributes, Value } from './value.js';

/** The newest opset whose operators all of onnxruntime's CPU optimisers know. */
const OPSET = 18;
const IR_VERSION = 9;
const CONTRIB = 'com.microsoft';
/** Operators of onnxruntime's blocked layout (blocked/layout.ts), and how the graph spells them. */
const BLOCKED = 'com.microsoft.nchwc';
const BLOCKED_PREFIX = 'nchwc.';

const DATA_TYPE: Readonly<Record<ElementType, DataType>> = {
  float32: 'float',
  int32: 'int32',
  int64: 'int64',
  bool: 'bool',
};
/** onnx.proto, TensorProto.DataType. */
const DATA_TYPE_NUMBER: Readonly<Record<ElementType, number>> = { float32: 1, int32: 6, int64: 7, bool: 9 };

export function emit(graph: Graph): Uint8Array {
  const emitter = new Emitter(graph);
  for (const node of liveNodes(graph)) emitter.node(node);
  return emitter.finish();
}

class Emitter {
  private readonly names = new Map<Value, string>();
  private readonly initializers = new Map<string, Tensor>();
  private readonly nodes: NodeSpec[] = [];

  constructor(private readonly graph: Graph) {
    for (const [name, value] of graph.inputs) this.names.set(value, name);
    for (const [name, value] of graph.outputs) {
      if (value.producer !== undefined && !this.names.has(value)) this.names.set(value, outputName(name));
    }
  }

  private nameOf(value: Value): string {
    let name = this.names.get(value);
    if (name === undefined) {
      name = `v${value.id}`;
      this.names.set(value, name);
      if (value.data !== undefined) {
        this.initializers.set(name, { type: DATA_TYPE[value.type], dims: value.shape, data: value.data });
      }
    }
    return name;
  }

  private integers(elements: readonly number[]): string {
    const name = `i${elements.join('_')}`;
    this.initializers.set(name, {
      type: 'int64',
      dims: [elements.length],
      data: BigInt64Array.from(elements, BigInt),
    });
    return name;
  }

  node(node: GraphNode): void {
    const outputs = node.outputs.map((output) => this.nameOf(output));
    if (node.op === 'ArgMax' || node.op === 'ArgMin') {
      this.argument(node, outputs[0]);
      return;
    }
    const inputs = node.inputs.map((input) => this.nameOf(input));
    this.nodes.push({
      opType: node.op,
      inputs,
      outputs,
      attributes: node.attributes,
      ...this.spelling(node, inputs),
    });
  }

  /** ONNX counts positions in int64, tfjs in int32. */
  private argument({ op, inputs, attributes }: GraphNode, output: string): void {
    const wide = `${output}_int64`;
    const operands = inputs.map((input) => this.nameOf(input));
    this.nodes.push({
      opType: op,
      inputs: operands,
      outputs: [wide],
      attributes: { ...attributes, keepdims: 0 },
    });
    this.nodes.push({
      opType: 'Cast',
      inputs: [wide],
      outputs: [output],
      attributes: { to: DATA_TYPE_NUMBER.int32 },
    });
  }

  /** What the file says differently from the graph: integer operands as inputs, floats marked as such, domains. */
  private spelling(node: GraphNode, inputs: readonly string[]): Partial<NodeSpec> {
    const [output] = node.outputs;
    const ints = (name: string): string => this.integers(node.attributes[name] as readonly number[]);
    const scalar = (name: string): string => this.nameOf(this.graph.scalar(node.attributes[name] as number));
    const operands = (...names: string[]): Partial<NodeSpec> => ({
      inputs: [...inputs, ...names],
      attributes: {},
    });
    switch (node.op) {
      case 'Expand':
      case 'Reshape':
        return operands(this.integers(output.shape));
      case 'MaxUnpool':
        return { inputs: [...inputs, this.integers(output.shape)] };
      case 'Slice':
        return operands(ints('starts'), ints('ends'), ints('axes'), ints('steps'));
      case 'Pad':
        return { ...operands(ints('pads'), scalar('value')), attributes: { mode: node.attributes['mode'] } };
      case 'Tile':
        return operands(ints('repeats'));
      case 'Clip':
        return operands(scalar('min'), scalar('max'));
      case 'Cast':
        return { attributes: { to: DATA_TYPE_NUMBER[output.type] } };
      case 'LeakyRelu':
      case 'HardSigmoid':
        return { attributes: floats(node.attributes) };
      case 'FusedMatMul':
        return { domain: CONTRIB };
      default:
        if (node.op.startsWith(BLOCKED_PREFIX))
          return { opType: node.op.slice(BLOCKED_PREFIX.length), domain: BLOCKED };
        return node.op.startsWith('Reduce') ? { ...operands(ints('axes')), attributes: { keepdims: 1 } } : {};
    }
  }

  finish(): Uint8Array {
    // An output that is an input, a constant or another output's value too gets its own name.
    for (const [name, value] of this.graph.outputs) {
      const source = this.nameOf(value);
      if (source === outputName(name)) continue;
      this.nodes.push({ opType: 'Identity', inputs: [source], outputs: [outputName(name)], attributes: {} });
    }
    const describe = (name: string, value: Value) => ({
      name,
      type: DATA_TYPE[value.type],
      shape: value.shape,
    });
    return encodeModel({
      irVersion: IR_VERSION,
      opset: OPSET,
      opsets: { [CONTRIB]: 1, [BLOCKED]: 1 },
      nodes: this.nodes,
      initializers: this.initializers,
      inputs: [...this.graph.inputs].map(([name, value]) => describe(name, value)),
      outputs: [...this.graph.outputs].map(([name, value]) => describe(outputName(name), value)),
    });
  }
}

/** The name in the file of the graph output `name`; state is input and output, under two names. */
export const outputName = (name: string): string => `new ${name}`;

const floats = (attributes: NodeAttributes): NodeSpec['attributes'] =>
  Object.fromEntries(Object.entries(attributes).map(([name, value]) => [name, { float: value as number }]));
