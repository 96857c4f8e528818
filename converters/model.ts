/**
 * The Model: a read-only view over a decoded ONNX file. Changes are made by `editModel` (write.ts), which returns
 * the new file's bytes and leaves every byte it was not asked to change as it was.
 */

/** Element types by their name in onnx.proto's TensorProto.DataType, in lower case. */
export type DataType =
  | 'float'
  | 'double'
  | 'float16'
  | 'bfloat16'
  | 'int8'
  | 'int16'
  | 'int32'
  | 'int64'
  | 'uint8'
  | 'uint16'
  | 'uint32'
  | 'uint64'
  | 'bool';

/**
 * Decoded elements. float, float16 and bfloat16 arrive as Float32Array (exact), double as Float64Array, int64 and
 * uint64 as BigInt64Array / BigUint64Array, bool as Uint8Array of 0 and 1, the rest as the matching typed array.
 */
export type TensorData =
  | Float32Array
  | Float64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array;

/** A constant tensor, row-major. `data.length` is the product of `dims` (1 for a scalar, dims []). */
export interface Tensor {
  readonly type: DataType;
  readonly dims: readonly number[];
  readonly data: TensorData;
}

/** An attribute with its protobuf kind; int64 values are checked to be safe integers, INT64_MIN/MAX saturate. */
export type Attribute =
  | { readonly kind: 'int'; readonly value: number }
  | { readonly kind: 'float'; readonly value: number }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'ints'; readonly value: readonly number[] }
  | { readonly kind: 'floats'; readonly value: readonly number[] }
  | { readonly kind: 'strings'; readonly value: readonly string[] }
  | { readonly kind: 'tensor'; readonly value: Tensor }
  | { readonly kind: 'reference'; readonly value: string } // inside functions: the caller's attribute of that name
  | { readonly kind: 'other'; readonly value: string }; // graphs, sparse tensors, ...: named, never understood

export interface Node {
  /** Name for messages: the node's own name, or `OpType -> first output` where it has none. */
  readonly label: string;
  readonly opType: string;
  /** '' for ai.onnx. */
  readonly domain: string;
  /** Value names; '' marks an omitted optional input or output. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: ReadonlyMap<string, Attribute>;
}

/** A graph input or output. A dimension is a number, or null where symbolic or unknown; shape null: rank unknown. */
export interface ValueInfo {
  readonly name: string;
  readonly type: DataType;
  readonly shape: readonly (number | null)[] | null;
}

/**
 * Nodes in topological order. `initializers` holds every constant the file stores by value name: the graph's
 * initializers, and the values of Constant nodes (which stand among the nodes as well).
 * `inputs` are the true inputs: an input that is also an initializer (IR < 4) is not listed.
 */
export interface Graph {
  readonly nodes: readonly Node[];
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  readonly initializers: ReadonlyMap<string, Tensor>;
}

/** A model-local function: nodes that a node of this name and domain stands for. */
export interface ModelFunction {
  readonly domain: string;
  readonly name: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly nodes: readonly Node[];
  /** Default values of attributes that a caller may leave out. */
  readonly defaults: ReadonlyMap<string, Attribute>;
  /** Opset version of the default domain; undefined where the body uses none of its operators. */
  readonly opset: number | undefined;
}

export interface Model {
  /** The file as it was read. */
  readonly bytes: Uint8Array;
  readonly irVersion: number;
  /** Opset version of the default domain. */
  readonly opset: number;
  readonly producer: string;
  /** metadata_props of the model. */
  readonly metadata: ReadonlyMap<string, string>;
  readonly graph: Graph;
  readonly functions: readonly ModelFunction[];
  /** Names of the constants that are stored outside the file. */
  readonly external: ReadonlySet<string>;
  /** Where they are stored, relative to the model's folder. */
  readonly externalFiles: ReadonlySet<string>;
}
