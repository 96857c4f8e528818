import { DfkdError } from './errors.js';
import type { DataType, Model, Node, Tensor } from './model.js';
import { dropIdentities } from './drop-identities.js';
import { toRawData } from './encode.js';
import { refuseExternal, toTensor } from './read-tensor.js';
import {
  AttributeType,
  decodeModelProto,
  encodeModelProto,
  TensorDataType,
  toBigInt,
  type GraphProto,
  type ModelProto,
  type NodeProto,
  type TensorProto,
  type ValueInfoProto,
} from './schema/index.js';
import { editModel } from './write.js';

/** Nodes of one kind that no exporter writes. */
const MANY = 5_000;

/** Types that the network computes in float32 and onnxruntime has no convolutions for. */
const WIDENED: ReadonlySet<number> = new Set([TensorDataType.BFLOAT16, TensorDataType.DOUBLE]);

/** A model as onnxruntime gets it: bytes, and weights that are inputs to them because one file cannot hold them. */
export interface Runnable {
  readonly bytes: Uint8Array;
  /** float32, by the name of their input. */
  readonly weights: ReadonlyMap<string, Tensor>;
}

/** External data that moves inside, in bytes; protobuf's own limit is 2 GiB for all of a file. */
const MAX_EMBEDDED = 2 ** 30;

/** Tensors that always move inside: operators want to know shapes and axes beforehand, and those are small. */
const ALWAYS_EMBEDDED = 2 ** 10;

/**
 * The model as this tool understands it, for onnxruntime to run: a copy in memory, the file is not changed.
 * 1. External data, which has been read and checked, moves inside: onnxruntime opens no file. Beyond `maxEmbedded`
 *    bytes of it, float initializers become inputs.
 * 2. Batch norms and Dropout in training mode become inference.
 * 3. bfloat16 and double become float32, whose kernels are the only ones of onnxruntime's that do convolutions; what
 *    is stored keeps its (rounded) value.
 * 4. float16 inputs and outputs become float32, with a Cast to or from the float16 within.
 * 5. Identity nodes go where there are very many, for which onnxruntime takes time that grows with their square.
 * Without any of these its bytes are `model.bytes`.
 * @throws DfkdError E_UNSUPPORTED for attributes that are not understood, which could name files too; E_LIMIT
 */
export function toRunnable(model: Model, maxEmbedded = MAX_EMBEDDED): Runnable {
  const nodes = [...model.graph.nodes, ...model.functions.flatMap((body) => body.nodes)];
  nodes.forEach(refuseUnread);
  const weights = findFedWeights(model, maxEmbedded);
  const embedded = new Set([...model.external].filter((name) => !weights.has(name)));
  const bytes = editModel(model, { embedExternal: embedded });
  const proto = decodeModelProto(bytes);
  const changes = [
    weights.size > 0 && feedWeights(proto.graph!, weights),
    ...protoNodes(proto).map(stopTraining),
    ...protoNodes(proto).map(widenAttributes),
    ...(proto.graph!.initializer ?? []).map(widenTensor),
    ...valueInfos(proto).map(widenValue),
    castHalves(proto.graph!, model),
    nodes.filter(({ opType }) => opType === 'Identity').length > MANY && dropIdentities(proto.graph!),
  ];
  return { bytes: changes.some(Boolean) ? encodeModelProto(proto) : bytes, weights };
}

/** float16 stays inside: onnxruntime-node takes such inputs in a form that depends on the version of Node. */
const FED: ReadonlySet<DataType> = new Set(['float', 'double', 'bfloat16']);

function findFedWeights(
  { external, graph: { initializers, nodes } }: Model,
  maxEmbedded: number,
): Map<string, Tensor> {
  const bytesOf = (name: string) => initializers.get(name)?.data.byteLength ?? 0;
  const total = [...external].reduce((sum, name) => sum + bytesOf(name), 0);
  if (total <= maxEmbedded) return new Map();
  const inNodes = new Set(
    nodes.filter(({ opType }) => opType === 'Constant').flatMap(({ outputs }) => outputs),
  );
  const names = [...external].filter(
    (name) => bytesOf(name) > ALWAYS_EMBEDDED && !inNodes.has(name) && FED.has(initializers.get(name)!.type),
  );
  return new Map(
    names.map((name) => {
      const { dims, data } = initializers.get(name)!;
      const values = data instanceof Float32Array ? data : Float32Array.from(data, Number);
      return [name, { type: 'float', dims, data: values }];
    }),
  );
}

/** Initializers become inputs, after those that the graph has. */
function feedWeights(graph: GraphProto, weights: Runnable['weights']): boolean {
  const isFed = ({ name }: TensorProto | ValueInfoProto) => weights.has(name ?? '');
  graph.initializer = (graph.initializer ?? []).filter((tensor) => !isFed(tensor));
  const inputs = [...weights].map(([name, { dims }]): ValueInfoProto => ({
    name,
    type: {
      tensorType: {
        elemType: TensorDataType.FLOAT,
        shape: { dim: dims.map((size) => ({ dimValue: size })) },
      },
    },
  }));
  graph.input = [...(graph.input ?? []).filter((input) => !isFed(input)), ...inputs];
  return true;
}

/** Whether onnxruntime computes in float16, rather than casting what is stored in it. */
export function computesInHalf({ graph: { nodes, inputs, initializers } }: Model): boolean {
  const isHalf = (name: string) => initializers.get(name)?.type === 'float16';
  return (
    inputs.some(({ type }) => type === 'float16') ||
    nodes.some(({ opType, inputs: read, attributes }) =>
      opType === 'Cast' ? attributes.get('to')?.value === TensorDataType.FLOAT16 : read.some(isHalf),
    )
  );
}

/** Nodes that a file in training mode has: BatchNormalization with training_mode 1 or outputs beyond the first. */
export function trainingBatchNorms(nodes: readonly Node[]): Node[] {
  return nodes.filter(
    ({ opType, domain, outputs, attributes }) =>
      opType === 'BatchNormalization' &&
      domain === '' &&
      (attributes.get('training_mode')?.value === 1 || outputs.slice(1).some((name) => name !== '')),
  );
}

function refuseUnread({ opType, label, attributes }: Node): void {
  for (const [name, { kind, value }] of attributes) {
    if (kind !== 'other') continue;
    const what = value === 'GRAPH' || value === 'GRAPHS' ? 'subgraphs' : `attributes of type ${value}`;
    throw new DfkdError(
      'E_UNSUPPORTED',
      `${opType} '${label}' has the attribute '${name}'; ${what} are not supported.`,
    );
  }
}

function protoNodes({ graph, functions }: ModelProto): NodeProto[] {
  return [...(graph!.node ?? []), ...(functions ?? []).flatMap(({ node }) => node ?? [])];
}

function valueInfos({ graph, functions }: ModelProto): ValueInfoProto[] {
  const { input, output, valueInfo } = graph!;
  const inner = (functions ?? []).flatMap((body) => body.valueInfo ?? []);
  return [...(input ?? []), ...(output ?? []), ...(valueInfo ?? []), ...inner];
}

/** https://onnx.ai/onnx/operators/onnx__BatchNormalization.html, onnx__Dropout.html: without training, one output. */
function stopTraining(node: NodeProto): boolean {
  if (node.domain && node.domain !== 'ai.onnx') return false;
  const before = [node.input?.length, node.output?.length, node.attribute?.length].join();
  if (node.opType === 'BatchNormalization') {
    node.output = node.output?.slice(0, 1) ?? [];
    node.attribute = node.attribute?.filter(({ name }) => name !== 'training_mode') ?? [];
  } else if (node.opType === 'Dropout') {
    node.input = node.input?.slice(0, 2) ?? [];
  }
  return [node.input?.length, node.output?.length, node.attribute?.length].join() !== before;
}

function widenAttributes(node: NodeProto): boolean {
  const changes = (node.attribute ?? []).map((attribute) => {
    if (attribute.t) return widenTensor(attribute.t);
    const isType = attribute.name === 'to' || attribute.name === 'dtype';
    if (!isType || !WIDENED.has(Number(toBigInt(attribute.i ?? 0)))) return false;
    attribute.i = TensorDataType.FLOAT;
    return true;
  });
  return changes.some(Boolean);
}

function widenTensor(proto: TensorProto): boolean {
  if (!WIDENED.has(proto.dataType ?? 0)) return false;
  const { dims, data } = toTensor(proto, `Tensor '${proto.name ?? ''}'`, refuseExternal);
  proto.rawData = toRawData({ type: 'float', dims, data: Float32Array.from(data, Number) });
  proto.dataType = TensorDataType.FLOAT;
  proto.int32Data = [];
  proto.doubleData = [];
  return true;
}

function widenValue({ type }: ValueInfoProto): boolean {
  if (!type?.tensorType || !WIDENED.has(type.tensorType.elemType ?? 0)) return false;
  type.tensorType.elemType = TensorDataType.FLOAT;
  return true;
}

/** onnxruntime-node takes and gives float16 in a form that depends on the version of Node. */
function castHalves(graph: GraphProto, model: Model): boolean {
  const halves = ({ name }: ValueInfoProto, values: readonly { name: string; type: DataType }[]) =>
    values.some((value) => value.name === name && value.type === 'float16');
  const inputs = (graph.input ?? []).filter((input) => halves(input, model.graph.inputs));
  const outputs = (graph.output ?? []).filter((output) => halves(output, model.graph.outputs));
  const taken = new Set(
    (graph.node ?? []).flatMap((node) => [...(node.input ?? []), ...(node.output ?? [])]),
  );
  for (const value of [...inputs, ...outputs]) {
    const name = value.name ?? '';
    let inner = `${name}@float16`;
    while (taken.has(inner)) inner += "'";
    renameValue(graph, name, inner);
    value.type!.tensorType!.elemType = TensorDataType.FLOAT;
    if (inputs.includes(value)) graph.node?.unshift(castNode(name, inner, TensorDataType.FLOAT16));
    else graph.node?.push(castNode(inner, name, TensorDataType.FLOAT));
  }
  return inputs.length + outputs.length > 0;
}

function renameValue(graph: GraphProto, from: string, to: string): void {
  const rename = (name: string) => (name === from ? to : name);
  for (const node of graph.node ?? []) {
    node.input = node.input?.map(rename) ?? [];
    node.output = node.output?.map(rename) ?? [];
  }
}

function castNode(input: string, output: string, to: number): NodeProto {
  return {
    opType: 'Cast',
    input: [input],
    output: [output],
    attribute: [{ name: 'to', type: AttributeType.INT, i: to }],
  };
}
