import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeModel, type GraphSpec, type NodeSpec } from '../../converters/encode.js';
import type { DataType, Tensor } from '../../converters/model.js';
import { onnx } from '../../converters/schema/onnx.js';
import { recoverModel } from '../../src/recover-model.js';
import { TINY_PRESET } from './tiny-preset.js';
import { tinyTeacherSpec } from './tiny-teacher.js';

/** A teacher, the student that was written from it, and what is known of the two. */
export interface WrittenFile {
  readonly name: string;
  readonly teacher: string;
  readonly student: string;
  /** Initializers that were pruned, and share of zeros among them. */
  readonly weights: readonly string[];
  readonly sparsity: number;
  /** Trained rather than pruned alone. */
  readonly recovered: boolean;
}

const SPARSITY = 0.6;
const { DataLocation } = onnx.TensorProto;
const { AttributeType } = onnx.AttributeProto;

type Change = (model: onnx.ModelProto.$Properties, folder: string) => void;

/** Every form in which the tiny teacher may be stored, by name: what is changed in the plain one. */
const FORMS: Record<string, { spec?: GraphSpec; change?: Change; recover?: boolean }> = {
  'raw data': {},
  'raw data, recovered': { recover: true },
  'float data': { change: storeTyped },
  'Constant nodes': { change: toConstants },
  'initializers as inputs': { change: listAsInputs },
  'float16 raw': { spec: specOf('float16') },
  'float16 typed': { spec: specOf('float16'), change: storeTyped },
  'bfloat16 raw': { spec: specOf('bfloat16') },
  'bfloat16 typed, recovered': { spec: specOf('bfloat16'), change: storeTyped, recover: true },
  'weights of bfloat16, cast': { spec: castSpec() },
  'weights of float16, cast, recovered': { spec: castSpec('float16'), recover: true },
  'double raw': { spec: specOf('double') },
  'double typed': { spec: specOf('double'), change: storeTyped },
  'external data': { change: storeExternal },
  'external data, recovered': { change: storeExternal, recover: true },
  'shared, then apart': { spec: sharingSpec(), recover: true },
  'training mode': { spec: trainingSpec() },
  'words at every level': { change: addWords },
};

const FIXTURES = ['resnet8-torchscript', 'resnet8-dynamo', 'mobilenetv2-torchscript', 'mobilenetv2-dynamo'];

/** Writes one file of every kind into a folder. */
export async function writeEveryKind(folder: string): Promise<WrittenFile[]> {
  const files: WrittenFile[] = [];
  const add = async (name: string, bytes: Uint8Array, own: string, recover = false) => {
    const teacher = join(own, 'teacher.onnx');
    const student = join(own, 'student.onnx');
    writeFileSync(teacher, bytes);
    const { details, sparsity } = await recoverModel(teacher, student, {
      preset: TINY_PRESET,
      preprocess: 'unit',
      sparsity: SPARSITY,
      recover,
    });
    const weights = details.layers.map((layer) => layer.name);
    files.push({ name, teacher, student, weights, sparsity: sparsity.target, recovered: recover });
  };
  for (const [name, { spec = tinyTeacherSpec(), change, recover }] of Object.entries(FORMS)) {
    const own = join(folder, name.replaceAll(/\W+/g, '-'));
    mkdirSync(own);
    const model = onnx.ModelProto.decode(encodeModel(spec));
    change?.(model, own);
    await add(name, onnx.ModelProto.encode(model).finish(), own, recover);
  }
  for (const name of FIXTURES) {
    const own = join(folder, name);
    mkdirSync(own);
    await add(name, readFileSync(new URL(`../../fixtures/teachers/${name}.onnx`, import.meta.url)), own);
  }
  return files;
}

function specOf(type: DataType): GraphSpec {
  const spec = tinyTeacherSpec();
  const convert = ({ dims, data }: Tensor): Tensor => ({
    type,
    dims,
    data: type === 'double' ? Float64Array.from(data, Number) : data,
  });
  return {
    ...spec,
    // bfloat16 came to Conv with 22.
    opset: type === 'bfloat16' ? 22 : 15,
    irVersion: 10,
    initializers: new Map([...spec.initializers].map(([name, tensor]) => [name, convert(tensor)])),
    inputs: spec.inputs.map((value) => ({ ...value, type })),
    outputs: spec.outputs.map((value) => ({ ...value, type })),
  };
}

/** Stored in half the space, computed in float32. */
function castSpec(type: DataType = 'bfloat16'): GraphSpec {
  const spec = tinyTeacherSpec();
  const stored = [...spec.initializers].map(
    ([name, tensor]) => [`${name}.stored`, { ...tensor, type }] as const,
  );
  const casts = [...spec.initializers.keys()].map((name) => ({
    opType: 'Cast',
    inputs: [`${name}.stored`],
    outputs: [name],
    attributes: { to: onnx.TensorProto.DataType.FLOAT },
  }));
  return { ...spec, nodes: [...casts, ...spec.nodes], initializers: new Map(stored) };
}

/** Both batch norms of as many channels, with one tensor for the scale of both and the variance of one. */
function sharingSpec(): GraphSpec {
  const spec = tinyTeacherSpec();
  const shared = new Map([
    ['first.variance', 'first.scale'],
    ['first.mean', 'first.offset'],
  ]);
  const nodes = spec.nodes.map((node) => ({
    ...node,
    inputs: node.inputs.map((name) => shared.get(name) ?? name),
  }));
  return {
    ...spec,
    nodes,
    initializers: new Map([...spec.initializers].filter(([name]) => !shared.has(name))),
  };
}

function trainingSpec(): GraphSpec {
  const spec = tinyTeacherSpec();
  const train = (node: NodeSpec): NodeSpec =>
    node.opType === 'BatchNormalization'
      ? {
          ...node,
          outputs: [...node.outputs, `${node.outputs[0]}.mean`, `${node.outputs[0]}.variance`],
          attributes: { training_mode: 1 },
        }
      : node;
  return { ...spec, opset: 14, nodes: spec.nodes.map(train) };
}

function storeTyped(model: onnx.ModelProto.$Properties): void {
  const { FLOAT, DOUBLE } = onnx.TensorProto.DataType;
  for (const tensor of model.graph!.initializer!) {
    const raw = new Uint8Array(tensor.rawData!).buffer;
    if (tensor.dataType === FLOAT) tensor.floatData = [...new Float32Array(raw)];
    else if (tensor.dataType === DOUBLE) tensor.doubleData = [...new Float64Array(raw)];
    else tensor.int32Data = [...new Uint16Array(raw)];
    tensor.rawData = null;
  }
}

function toConstants(model: onnx.ModelProto.$Properties): void {
  const graph = model.graph!;
  const constants = graph.initializer!.map((tensor) => ({
    opType: 'Constant',
    output: [tensor.name!],
    attribute: [{ name: 'value', type: AttributeType.TENSOR, t: tensor }],
  }));
  graph.initializer = [];
  graph.node!.unshift(...constants);
}

function listAsInputs(model: onnx.ModelProto.$Properties): void {
  const { input, initializer } = model.graph!;
  const inputs = initializer!.map(({ name, dataType, dims }) => {
    const dim = dims!.map((size) => ({ dimValue: size }));
    return { name, type: { tensorType: { elemType: dataType, shape: { dim } } } };
  });
  input!.push(...inputs);
  model.irVersion = 3;
  model.opsetImport![0].version = 8;
}

function storeExternal(model: onnx.ModelProto.$Properties, folder: string): void {
  let offset = 0;
  const chunks = model.graph!.initializer!.map((tensor) => {
    const raw = Buffer.from(tensor.rawData!);
    const entries = { location: 'teacher.onnx.data', offset: String(offset), length: String(raw.length) };
    offset += raw.length;
    tensor.rawData = null;
    tensor.dataLocation = DataLocation.EXTERNAL;
    tensor.externalData = Object.entries(entries).map(([key, value]) => ({ key, value }));
    return raw;
  });
  writeFileSync(join(folder, 'teacher.onnx.data'), Buffer.concat(chunks));
}

/** Doc strings, metadata and value_info, wherever the schema has a place for them. */
function addWords(model: onnx.ModelProto.$Properties): void {
  const words = () => [{ key: '__proto__', value: 'kept' }];
  const graph = model.graph!;
  const things = [model, graph, ...graph.node!, ...graph.initializer!, ...graph.input!, ...graph.output!];
  for (const thing of things) {
    thing.docString = 'words';
    thing.metadataProps = words();
  }
  model.producerVersion = '1';
  model.domain = 'com.example';
  model.modelVersion = 3;
  const dim = [{ dimParam: 'batch' }, { dimValue: 16 }];
  graph.valueInfo = [
    { name: 'flat', type: { tensorType: { elemType: 1, shape: { dim } } }, docString: 'words' },
  ];
}
