import { DfkdError } from '../../../converters/errors.js';

/*
 * Shards are safetensors files (https://huggingface.co/docs/safetensors): the length of a header, the header as JSON,
 * the tensors' bytes one after another. Chosen over .npz because
 * - the same content has one encoding: a zip carries dates, versions and a compressor's choices;
 * - it has a place for metadata, which an archive of .npy files lacks;
 * - every byte belongs to exactly one tensor, so that a reader checks all of a hostile file in a screen of code;
 * - PyTorch, NumPy, JAX and Rust read it, and can map it into memory without a copy.
 */

const ELEMENTS = { F32: Float32Array, I32: Int32Array, U8: Uint8Array } as const;
type ElementType = keyof typeof ELEMENTS;

/** Row-major; `data.length` is the product of `shape`. */
export interface StoredTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array | Int32Array | Uint8Array;
}

export interface SafeTensors {
  readonly metadata: ReadonlyMap<string, string>;
  readonly tensors: ReadonlyMap<string, StoredTensor>;
}

/** What safetensors' own reader allows. */
const MAX_HEADER = 100_000_000;

/** The same content in the same order gives the same bytes. */
export function encodeSafetensors({ metadata, tensors }: SafeTensors): Uint8Array {
  // Wider elements first keep each tensor aligned to its own; the header is padded to 8 bytes for the first.
  const ordered = [...tensors].sort(([, a], [, b]) => b.data.BYTES_PER_ELEMENT - a.data.BYTES_PER_ELEMENT);
  let end = 0;
  const entries = ordered.map(([name, { shape, data }]) => {
    const begin = end;
    end += data.byteLength;
    return [name, { dtype: elementType(data), shape, data_offsets: [begin, end] }] as const;
  });
  const json = Buffer.from(
    JSON.stringify({ __metadata__: Object.fromEntries(metadata), ...Object.fromEntries(entries) }),
  );
  const header = Buffer.alloc(8 + Math.ceil(json.length / 8) * 8, ' ');
  header.writeBigUInt64LE(BigInt(header.length - 8));
  json.copy(header, 8);
  const parts = ordered.map(([, { data }]) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  return Buffer.concat([header, ...parts]);
}

/** Reads what `encodeSafetensors` writes; `name` is what messages call it. Throws E_PARSE. */
export function decodeSafetensors(bytes: Uint8Array, name: string): SafeTensors {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = bytes.length < 8 ? Infinity : Number(view.getBigUint64(0, true));
  if (length > Math.min(MAX_HEADER, bytes.length - 8)) {
    throw malformed(name, 'it ends within its header');
  }
  const { __metadata__: metadata = {}, ...entries } = parseHeader(bytes.subarray(8, 8 + length), name);
  if (!isObject(metadata) || !Object.values(metadata).every((value) => typeof value === 'string')) {
    throw malformed(name, 'its metadata is not text');
  }
  return {
    metadata: new Map(Object.entries(metadata as Record<string, string>)),
    tensors: readTensors(Object.entries(entries), bytes.subarray(8 + length), name),
  };
}

function parseHeader(bytes: Uint8Array, name: string): Record<string, unknown> {
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw malformed(name, 'its header is not JSON');
  }
  if (!isObject(header)) throw malformed(name, 'its header is not a JSON object');
  return header;
}

/** Tensors lie one after another, without holes and overlaps, to the end of the file. */
function readTensors(
  entries: readonly [string, unknown][],
  data: Uint8Array,
  name: string,
): Map<string, StoredTensor> {
  const located = entries.map(([tensor, entry]) => ({ tensor, ...readEntry(entry, tensor, name) }));
  located.sort((a, b) => a.begin - b.begin || a.end - b.end);
  let end = 0;
  const tensors = new Map<string, StoredTensor>();
  for (const { tensor, shape, type, begin, ...range } of located) {
    if (begin !== end || range.end > data.length) {
      throw malformed(
        name,
        `its tensor '${tensor}' does not begin where another ends, or ends beyond the file`,
      );
    }
    ({ end } = range);
    // A copy, because typed arrays need aligned offsets (and slice of a Buffer is a view).
    tensors.set(tensor, {
      shape,
      data: new ELEMENTS[type](new Uint8Array(data.subarray(begin, end)).buffer),
    });
  }
  if (end !== data.length) throw malformed(name, `${data.length - end} bytes belong to no tensor`);
  return tensors;
}

function readEntry(entry: unknown, tensor: string, name: string) {
  const { dtype, shape, data_offsets: offsets } = isObject(entry) ? entry : {};
  if (typeof dtype !== 'string' || !Object.hasOwn(ELEMENTS, dtype)) {
    throw malformed(name, `its tensor '${tensor}' is not of type ${Object.keys(ELEMENTS).join(', ')}`);
  }
  if (!isSizes(shape) || !isSizes(offsets) || offsets.length !== 2) {
    throw malformed(name, `its tensor '${tensor}' has a malformed shape or place`);
  }
  const type = dtype as ElementType;
  const [begin, end] = offsets;
  const bytes = shape.reduce((product, size) => product * size, ELEMENTS[type].BYTES_PER_ELEMENT);
  if (end - begin !== bytes) {
    throw malformed(name, `its tensor '${tensor}' has ${end - begin} bytes for shape [${shape.join(', ')}]`);
  }
  return { type, shape, begin, end };
}

function elementType(data: StoredTensor['data']): ElementType {
  return data instanceof Float32Array ? 'F32' : data instanceof Int32Array ? 'I32' : 'U8';
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function malformed(name: string, what: string): DfkdError {
  return new DfkdError('E_PARSE', `'${name}' is not a well-formed safetensors file: ${what}.`);
}
