import { countElements, encodeTensor, encodeValueInfo } from './encode.js';
import { DfkdError } from './errors.js';
import { layOutExternal, type ExternalFile, type ExternalPlace } from './external-layout.js';
import type { DataType, Model, Tensor } from './model.js';
import { patchConstant, patchTensor } from './patch-tensor.js';
import { encodeField, payload, rewriteMessage, wireFields, type Chunks } from './schema/wire.js';

/** Field numbers, as onnx.proto names them. */
const ModelField = { graph: 7, metadataProps: 14 } as const;
const GraphField = { node: 1, initializer: 5, input: 11 } as const;
const NodeField = { input: 1, output: 2, attribute: 5 } as const;
const AttributeField = { name: 1 } as const;
const TensorField = { name: 8 } as const;
const EntryField = { key: 1, value: 2 } as const;

/** Protobuf's own limit on a message. */
const MAX_BYTES = 2 ** 31 - 1;

/** A constant of some readers' own, where they shared one with others before. */
export interface ConstantCopy {
  /** Name of the new initializer, unused so far. */
  readonly name: string;
  /** Initializer or Constant output it takes type and dims from. */
  readonly source: string;
  readonly data: Float32Array;
  readonly consumers: readonly Consumer[];
}

/** One reader of a constant: the node with this output, and the position among its inputs. */
export interface Consumer {
  readonly output: string;
  readonly input: number;
}

export interface ModelEdits {
  /** New elements of float constants, by initializer name or output name of a Constant node. */
  readonly tensors?: ReadonlyMap<string, Float32Array>;
  readonly copies?: readonly ConstantCopy[];
  /** metadata_props to set; others are kept. */
  readonly metadata?: ReadonlyMap<string, string>;
  /** Moves external data into the file: all of it, so that the file stands alone, or that of these constants. */
  readonly embedExternal?: boolean | ReadonlySet<string>;
  /** Moves all external data to a file of this name beside the model, instead of where it was. */
  readonly externalLocation?: string;
}

export interface EditedModel {
  readonly bytes: Uint8Array;
  /** The data to be written beside the model, where `externalLocation` was given and the model has any. */
  readonly external: ExternalFile | null;
}

/**
 * The file with some constants changed. Every byte outside a changed field, and outside the length prefixes around it,
 * is the input's: unknown fields, order, odd encodings. A tensor keeps its type and storage; an external one that
 * changes moves into the file, unless `externalLocation` says where it goes. Without edits the result is `model.bytes`.
 * @throws DfkdError E_UNSUPPORTED when a name is that of a function's inner value, E_LIMIT beyond 2 GiB, E_ARG
 */
export function editModelFiles(model: Model, edits: ModelEdits): EditedModel {
  const tensors = tensorsOf(model, edits);
  const outside = new Map([...tensors].filter(([name]) => model.external.has(name)));
  const layout =
    edits.externalLocation !== undefined && outside.size > 0
      ? layOutExternal(outside, edits.externalLocation)
      : null;
  const bytes = rewrite(model, new Editor(model, edits, tensors, layout?.places ?? new Map()));
  return { bytes, external: layout?.file ?? null };
}

/** As `editModelFiles`, for a model that is one file. */
export function editModel(model: Model, edits: Omit<ModelEdits, 'externalLocation'>): Uint8Array {
  return editModelFiles(model, edits).bytes;
}

/** All constants that are to be written anew: changed ones, and external ones that move. */
function tensorsOf(model: Model, edits: ModelEdits): Map<string, Tensor> {
  const { embedExternal = false } = edits;
  const isAll = embedExternal === true || edits.externalLocation !== undefined;
  const tensors = new Map<string, Tensor>();
  for (const name of model.external) {
    const moves = isAll || (embedExternal !== false && embedExternal.has(name));
    if (moves) tensors.set(name, constantOf(model, name));
  }
  for (const [name, data] of edits.tensors ?? []) {
    tensors.set(name, withData(constantOf(model, name), data, name));
  }
  return tensors;
}

function rewrite(model: Model, editor: Editor): Uint8Array {
  const chunks = editor.rewriteModel();
  editor.checkAllDone();
  if (!chunks) return model.bytes;
  const length = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  if (length > MAX_BYTES) {
    throw new DfkdError('E_LIMIT', `The model would have ${length} bytes; an ONNX file has less than 2 GiB.`);
  }
  return Buffer.concat(chunks, length);
}

/** Walks the messages of one model; what has been changed is taken off the lists of what is to be. */
class Editor {
  private readonly rewires = new Map<string, Map<number, string>>();
  private readonly metadata: Map<string, string>;

  constructor(
    private readonly model: Model,
    private readonly edits: ModelEdits,
    private readonly tensors: Map<string, Tensor>,
    private readonly places: ReadonlyMap<string, ExternalPlace>,
  ) {
    for (const copy of edits.copies ?? []) this.addRewires(copy);
    this.metadata = new Map(edits.metadata);
  }

  private addRewires({ name, consumers }: ConstantCopy): void {
    checkUnused(this.model, name);
    for (const consumer of consumers) {
      checkConsumer(this.model, consumer);
      const inputs = this.rewires.get(consumer.output) ?? new Map<number, string>();
      this.rewires.set(consumer.output, inputs.set(consumer.input, name));
    }
  }

  rewriteModel(): Chunks | undefined {
    const { bytes } = this.model;
    const replace = (number: number, value: Uint8Array) => {
      if (number === ModelField.graph) return this.rewriteGraph(value);
      if (number === ModelField.metadataProps) return this.rewriteEntry(value);
      return undefined;
    };
    // Entries of the file are replaced in place before the rest is known, so the order of evaluation matters.
    const chunks = rewriteChildren(bytes, replace);
    const added = [...this.metadata].flatMap(([key, value]) =>
      encodeField(ModelField.metadataProps, encodeEntry(key, value)),
    );
    this.metadata.clear();
    return added.length > 0 ? [...(chunks ?? [bytes]), ...added] : chunks;
  }

  checkAllDone(): void {
    const left = [...this.tensors.keys(), ...this.rewires.keys()];
    if (left.length === 0) return;
    throw new DfkdError(
      'E_UNSUPPORTED',
      `'${left[0]}' is a value inside a function of the model, where constants cannot be changed.`,
    );
  }

  private rewriteGraph(bytes: Uint8Array): Chunks | undefined {
    const replace = (number: number, value: Uint8Array) => {
      if (number === GraphField.initializer) return this.rewriteInitializer(value);
      if (number === GraphField.node) return this.rewriteNode(value);
      return undefined;
    };
    return rewriteChildren(bytes, replace, this.newInitializers());
  }

  private rewriteInitializer(bytes: Uint8Array): Chunks | undefined {
    const name = readStrings(bytes, TensorField.name).at(-1) ?? '';
    const tensor = this.takeTensor(name);
    return tensor && patchTensor(bytes, tensor, this.places.get(name));
  }

  private rewriteNode(bytes: Uint8Array): Chunks | undefined {
    const outputs = readStrings(bytes, NodeField.output);
    const tensor = this.takeTensor(outputs[0] ?? '');
    const inputs = this.takeRewires(outputs);
    if (!tensor && !inputs) return undefined;
    let position = 0;
    return rewriteChildren(bytes, (number, value) => {
      if (number === NodeField.input) {
        const name = inputs?.get(position++);
        return name === undefined ? undefined : [Buffer.from(name)];
      }
      if (number !== NodeField.attribute || !tensor) return undefined;
      const name = readStrings(value, AttributeField.name).at(-1) ?? '';
      return patchConstant(value, name, tensor, this.places.get(outputs[0]));
    });
  }

  private rewriteEntry(bytes: Uint8Array): Chunks | undefined {
    const key = readStrings(bytes, EntryField.key).at(-1) ?? '';
    const value = this.metadata.get(key);
    this.metadata.delete(key);
    return value === undefined ? undefined : encodeEntry(key, value);
  }

  private newInitializers(): Chunks {
    return (this.edits.copies ?? []).flatMap(({ name, source, data }) => {
      const tensor = withData(constantOf(this.model, source), data, source);
      const initializer = encodeField(GraphField.initializer, [encodeTensor(tensor, name)]);
      // Before IR 4 every initializer is an input as well.
      if (this.model.irVersion >= 4) return initializer;
      const input = encodeValueInfo({ name, type: tensor.type, shape: tensor.dims });
      return [...initializer, ...encodeField(GraphField.input, [input])];
    });
  }

  private takeTensor(name: string): Tensor | undefined {
    const tensor = this.tensors.get(name);
    this.tensors.delete(name);
    return tensor;
  }

  private takeRewires(outputs: readonly string[]): ReadonlyMap<number, string> | undefined {
    const output = outputs.find((name) => this.rewires.has(name));
    const rewires = output === undefined ? undefined : this.rewires.get(output);
    if (output !== undefined) this.rewires.delete(output);
    return rewires;
  }
}

/** As rewriteMessage, for fields that are strings or messages, whose payload `replace` is given and returns. */
function rewriteChildren(
  bytes: Uint8Array,
  replace: (number: number, value: Uint8Array) => Chunks | undefined,
  appended: Chunks = [],
): Chunks | undefined {
  return rewriteMessage(
    bytes,
    (field) => {
      const value = replace(field.number, payload(bytes, field));
      return value && encodeField(field.number, value);
    },
    appended,
  );
}

function constantOf(model: Model, name: string): Tensor {
  const tensor = model.graph.initializers.get(name);
  if (tensor) return tensor;
  throw new DfkdError(
    'E_UNSUPPORTED',
    `The model's graph stores no constant '${name}', so it cannot be changed.`,
  );
}

function checkUnused({ graph }: Model, name: string): void {
  const isUsed = graph.nodes.some(({ outputs }) => outputs.includes(name)) || graph.initializers.has(name);
  if (isUsed || graph.inputs.some((input) => input.name === name)) {
    throw new DfkdError('E_INTERNAL', `The model has a value '${name}' already.`);
  }
}

function checkConsumer(model: Model, { output, input }: Consumer): void {
  const node = model.graph.nodes.find(({ outputs }) => outputs.includes(output));
  if (node && !node.inputs[input]) {
    throw new DfkdError('E_INTERNAL', `Node '${node.label}' has no input ${input} to give a copy to.`);
  }
}

const FLOAT_TYPES: ReadonlySet<DataType> = new Set(['float', 'double', 'float16', 'bfloat16']);

function withData({ type, dims, data: old }: Tensor, data: Float32Array, name: string): Tensor {
  if (!FLOAT_TYPES.has(type) || data.length !== countElements(dims)) {
    throw new DfkdError(
      'E_INTERNAL',
      `${data.length} float values cannot replace constant '${name}', ${type}[${dims.join(',')}].`,
    );
  }
  if (type !== 'double') return { type, dims, data };
  // A double keeps the digits that float32 has not, unless it was changed.
  const kept = (value: number, i: number) =>
    Object.is(Math.fround(Number(old[i])), value) ? Number(old[i]) : value;
  return { type, dims, data: Float64Array.from(data, kept) };
}

function readStrings(bytes: Uint8Array, number: number): string[] {
  const strings = [];
  for (const field of wireFields(bytes)) {
    if (field.number === number) strings.push(Buffer.from(payload(bytes, field)).toString('utf8'));
  }
  return strings;
}

function encodeEntry(key: string, value: string): Chunks {
  return [
    ...encodeField(EntryField.key, [Buffer.from(key)]),
    ...encodeField(EntryField.value, [Buffer.from(value)]),
  ];
}
