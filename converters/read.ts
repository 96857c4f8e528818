import { open, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { DfkdError } from './errors.js';
import { createExternalReader } from './external-data.js';
import { checkMemory } from './memory.js';
import type { Graph, Model, ModelFunction, Tensor, ValueInfo } from './model.js';
import { toAttributes, toConstant, toDomain, toNode } from './read-node.js';
import { refuseExternal, toDataType, toTensor, type ExternalReader } from './read-tensor.js';
import {
  DataLocation,
  toBigInt,
  type FunctionProto,
  type GraphProto,
  type ModelProto,
  type ValueInfoProto,
} from './schema/index.js';
import { parseModel } from './schema/parse-model.js';
import { sortNodes } from './sort-nodes.js';

export { decodeTensor } from './read-tensor.js';

/** Protobuf's own limit on a message. */
const MAX_FILE_BYTES = 2 ** 31 - 1;

export interface DecodeOptions {
  /** Folder that holds the external data; without it, external data is refused. */
  readonly baseDir?: string;
  /** Bytes that the file and its external data may take; default three quarters of the machine's. */
  readonly maxMemory?: number | undefined;
  /** What messages call the file. */
  readonly name?: string;
}

/**
 * Reads an ONNX file with its external data.
 * @throws DfkdError E_IO, E_LIMIT (over 2 GiB or `maxMemory`), and as decodeModel
 */
export async function readModel(
  path: string,
  { maxMemory }: Pick<DecodeOptions, 'maxMemory'> = {},
): Promise<Model> {
  let bytes: Uint8Array;
  try {
    const stats = await stat(path);
    if (!stats.isFile()) throw new DfkdError('E_IO', `'${path}' is not a file.`);
    if (stats.size > MAX_FILE_BYTES) {
      throw new DfkdError('E_LIMIT', `'${path}' has ${stats.size} bytes; an ONNX file has less than 2 GiB.`);
    }
    checkMemory(`'${path}'`, stats.size, maxMemory);
    bytes = await readWhole(path, stats.size);
  } catch (cause) {
    if (cause instanceof DfkdError) throw cause;
    throw new DfkdError('E_IO', `'${path}' ${describeSystemError(cause)}.`, { cause });
  }
  return decodeModel(bytes, { baseDir: dirname(path), name: path, maxMemory });
}

/** The file in one piece; `readFile` of fs/promises collects pieces and needs twice the memory. */
async function readWhole(path: string, size: number): Promise<Uint8Array> {
  const file = await open(path);
  try {
    // Of Buffer, because a slice of a plain Uint8Array would be a copy to protobufjs.
    const bytes = Buffer.allocUnsafeSlow(size);
    for (let done = 0; done < size;) {
      const { bytesRead } = await file.read(bytes, done, size - done, done);
      if (bytesRead === 0) throw new DfkdError('E_IO', `'${path}' became shorter while it was read.`);
      done += bytesRead;
    }
    return bytes;
  } finally {
    await file.close();
  }
}

/**
 * Decodes a ModelProto. Tensors are views of `bytes` where alignment allows, so neither may be written to.
 * @throws DfkdError E_PARSE (not protobuf, truncated), E_MODEL, E_TENSOR, E_ATTR, E_EXTERNAL, E_UNSUPPORTED
 */
export function decodeModel(bytes: Uint8Array, options: DecodeOptions = {}): Model {
  const proto = parseModel(bytes, options.name === undefined ? 'The model' : `'${options.name}'`);
  const readExternal =
    options.baseDir === undefined ? refuseExternal : createExternalReader(options.baseDir, options.maxMemory);
  return {
    bytes,
    irVersion: Number(toBigInt(proto.irVersion ?? 0)),
    opset: findOpset(proto) ?? 0,
    producer: [proto.producerName, proto.producerVersion].filter(Boolean).join(' '),
    metadata: toMetadata(proto),
    graph: toGraph(proto.graph!, readExternal),
    functions: (proto.functions ?? []).map(toFunction),
    ...findExternal(proto.graph!),
  };
}

/** Opset version of the default domain. */
function findOpset({ opsetImport }: ModelProto | FunctionProto): number | undefined {
  const imports = (opsetImport ?? []).filter(({ domain }) => toDomain(domain) === '');
  const versions = new Set(imports.map(({ version }) => Number(toBigInt(version ?? 0))));
  if (versions.size > 1) {
    throw new DfkdError('E_MODEL', `The model declares several opset versions: ${[...versions].join(', ')}.`);
  }
  return [...versions][0];
}

function toMetadata(proto: ModelProto): Map<string, string> {
  const metadata = new Map<string, string>();
  for (const { key, value } of proto.metadataProps ?? []) {
    if (metadata.has(key ?? ''))
      throw new DfkdError('E_MODEL', `The metadata key '${key ?? ''}' is given twice.`);
    metadata.set(key ?? '', value ?? '');
  }
  return metadata;
}

function toGraph(proto: GraphProto, readExternal: ExternalReader): Graph {
  const initializers = toInitializers(proto, readExternal);
  const inputs = (proto.input ?? [])
    .filter(({ name }) => !initializers.has(name ?? ''))
    .map((input) => toValueInfo(input, `Input '${input.name ?? ''}'`));
  checkDistinct('input', proto.input);
  checkDistinct('output', proto.output);
  const known = new Set([...initializers.keys(), ...inputs.map(({ name }) => name)]);
  const nodes = sortNodes(
    (proto.node ?? []).map((node) => toNode(node, readExternal)),
    known,
  );
  for (const node of nodes) {
    const value = node.opType === 'Constant' && node.domain === '' ? toConstant(node) : undefined;
    if (value) initializers.set(node.outputs[0], value);
  }

  const outputs = (proto.output ?? []).map((output) => toValueInfo(output, `Output '${output.name ?? ''}'`));
  if (outputs.length === 0) throw new DfkdError('E_MODEL', 'The graph has no outputs.');
  const produced = new Set([...known, ...nodes.flatMap((node) => node.outputs)]);
  for (const { name } of outputs) {
    if (!produced.has(name)) throw new DfkdError('E_MODEL', `Output '${name}' is not produced by any node.`);
  }
  return { nodes, inputs, outputs, initializers };
}

function checkDistinct(what: string, values: readonly ValueInfoProto[] | null | undefined): void {
  const names = new Set<string>();
  for (const { name } of values ?? []) {
    if (names.has(name ?? ''))
      throw new DfkdError('E_MODEL', `The graph lists the ${what} '${name ?? ''}' twice.`);
    names.add(name ?? '');
  }
}

function toInitializers(proto: GraphProto, readExternal: ExternalReader): Map<string, Tensor> {
  if (proto.sparseInitializer?.length) {
    throw new DfkdError('E_UNSUPPORTED', 'The model has sparse initializers, which are not supported.');
  }
  const initializers = new Map<string, Tensor>();
  for (const tensor of proto.initializer ?? []) {
    const name = tensor.name ?? '';
    if (initializers.has(name)) throw new DfkdError('E_MODEL', `Initializer '${name}' is defined twice.`);
    initializers.set(name, toTensor(tensor, `Initializer '${name}'`, readExternal));
  }
  return initializers;
}

function toValueInfo(proto: ValueInfoProto, what: string): ValueInfo {
  const tensorType = proto.type?.tensorType;
  if (!tensorType) throw new DfkdError('E_UNSUPPORTED', `${what} is not declared as a tensor.`);
  const type = toDataType(tensorType.elemType ?? 0, what);
  const shape = tensorType.shape?.dim?.map(({ dimValue }, axis) => {
    const size = dimValue === undefined || dimValue === null ? null : Number(toBigInt(dimValue));
    // Some exporters write a batch of any size as -1 or 0.
    if (size !== null && size <= 0 && axis === 0) return null;
    if (size !== null && size < 0) {
      throw new DfkdError('E_MODEL', `${what} has the dimension ${size} at axis ${axis}.`);
    }
    return size;
  });
  return { name: proto.name ?? '', type, shape: shape ?? (tensorType.shape ? [] : null) };
}

function toFunction(proto: FunctionProto): ModelFunction {
  const readExternal: ExternalReader = (_, what) => {
    throw new DfkdError(
      'E_EXTERNAL',
      `${what} is stored outside the model, which is not supported in a function.`,
    );
  };
  const nodes = (proto.node ?? []).map((node) => toNode(node, readExternal));
  const inputs = proto.input ?? [];
  return {
    domain: toDomain(proto.domain),
    name: proto.name ?? '',
    inputs,
    outputs: proto.output ?? [],
    nodes: sortNodes(nodes, new Set(inputs)),
    defaults: toAttributes(proto.attributeProto ?? [], `Function '${proto.name ?? ''}'`, readExternal),
    opset: findOpset(proto),
  };
}

function findExternal(graph: GraphProto): Pick<Model, 'external' | 'externalFiles'> {
  const constants = [
    ...(graph.initializer ?? []).map((tensor) => ({ tensor, names: [tensor.name ?? ''] })),
    ...(graph.node ?? []).flatMap(({ attribute, output }) =>
      (attribute ?? []).map(({ t }) => ({ tensor: t ?? null, names: output ?? [] })),
    ),
  ].filter(({ tensor }) => tensor?.dataLocation === DataLocation.EXTERNAL);
  const entries = constants.flatMap(({ tensor }) => tensor?.externalData ?? []);
  return {
    external: new Set(constants.flatMap(({ names }) => names)),
    externalFiles: new Set(entries.filter(({ key }) => key === 'location').map(({ value }) => value ?? '')),
  };
}

function describeSystemError(error: unknown): string {
  switch ((error as NodeJS.ErrnoException).code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return 'does not exist';
    case 'EACCES':
    case 'EPERM':
      return 'may not be read';
    default:
      return `cannot be read (${(error as Error).message})`;
  }
}
