import { readFile } from 'node:fs/promises';
import { endianness } from 'node:os';
import { DfkdError } from '../converters/errors.js';

/**
 * NumPy's .npy files, versions 1 to 3: https://numpy.org/neps/nep-0001-npy-format.html.
 * Our own reader, because the packages that read them bring code that fetches from the network.
 */

const ELEMENTS = {
  uint8: { descr: '|u1', make: Uint8Array },
  int8: { descr: '|i1', make: Int8Array },
  uint16: { descr: '<u2', make: Uint16Array },
  int16: { descr: '<i2', make: Int16Array },
  uint32: { descr: '<u4', make: Uint32Array },
  int32: { descr: '<i4', make: Int32Array },
  uint64: { descr: '<u8', make: BigUint64Array },
  int64: { descr: '<i8', make: BigInt64Array },
  float32: { descr: '<f4', make: Float32Array },
  float64: { descr: '<f8', make: Float64Array },
} as const;

export type NpyType = keyof typeof ELEMENTS;
export type NpyData = InstanceType<(typeof ELEMENTS)[NpyType]['make']>;

/** An array in C order; `data.length` is the product of `shape`. */
export interface NpyArray {
  readonly type: NpyType;
  readonly shape: readonly number[];
  readonly data: NpyData;
}

const MAGIC = '\x93NUMPY';

/** Reads a .npy file; E_IO if it cannot be read, E_PARSE or E_TENSOR as `decodeNpy`. */
export async function readNpy(path: string): Promise<NpyArray> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (error) {
    throw new DfkdError('E_IO', `Cannot read '${path}': ${(error as Error).message}.`, { cause: error });
  }
  return decodeNpy(bytes, path);
}

/**
 * Decodes the bytes of a .npy file; `name` is what messages call it. E_PARSE: not a .npy file of version 1 to 3, or
 * a malformed header. E_TENSOR: an element type or order we do not read, or data that does not fill the shape.
 */
export function decodeNpy(bytes: Uint8Array, name = 'array'): NpyArray {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const version = bytes[6];
  if (bytes.length < 12 || latin1(bytes.subarray(0, 6)) !== MAGIC || !version || version > 3) {
    throw new DfkdError('E_PARSE', `'${name}' is not a NumPy .npy file of version 1, 2 or 3.`);
  }
  const start = version === 1 ? 10 : 12;
  const end = start + (version === 1 ? view.getUint16(8, true) : view.getUint32(8, true));
  if (end > bytes.length) throw new DfkdError('E_PARSE', `'${name}' ends within its .npy header.`);
  const { descr, shape } = parseHeader(latin1(bytes.subarray(start, end)), name);

  const type = (Object.keys(ELEMENTS) as NpyType[]).find(
    (key) =>
      ELEMENTS[key].descr === descr || (descr.length === 3 && ELEMENTS[key].descr === `|${descr.slice(1)}`),
  );
  if (type === undefined || endianness() !== 'LE') {
    throw new DfkdError(
      'E_TENSOR',
      `'${name}' holds elements of type '${descr}'; little-endian integers and floats are read.`,
    );
  }
  const { make } = ELEMENTS[type];
  const count = shape.reduce((product, dim) => product * dim, 1);
  if (count * make.BYTES_PER_ELEMENT !== bytes.length - end) {
    throw new DfkdError(
      'E_TENSOR',
      `'${name}' has shape (${shape.join(', ')}) of ${type}, but ${bytes.length - end} bytes of data.`,
    );
  }
  // A copy, because typed arrays need aligned offsets (and slice of a Buffer is a view).
  return { type, shape, data: new make(new Uint8Array(bytes.subarray(end)).buffer) };
}

/** Encodes as .npy version 1.0. */
export function encodeNpy({ type, shape, data }: NpyArray): Uint8Array {
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(', ')})`;
  const dict = `{'descr': '${ELEMENTS[type].descr}', 'fortran_order': False, 'shape': ${tuple}, }`;
  // The header ends in a newline and data starts at a multiple of 64 bytes.
  const header = `${dict.padEnd(Math.ceil((dict.length + 11) / 64) * 64 - 11)}\n`;
  const prefix = Buffer.from(`${MAGIC}\x01\x00\x00\x00${header}`, 'latin1');
  prefix.writeUInt16LE(header.length, 8);
  return Buffer.concat([prefix, new Uint8Array(data.buffer, data.byteOffset, data.byteLength)]);
}

/** The header is a Python dict literal with exactly these three keys. */
function parseHeader(header: string, name: string): { descr: string; shape: number[] } {
  const descr = /'descr': *'([^']*)'/.exec(header)?.[1];
  const order = /'fortran_order': *(True|False)/.exec(header)?.[1];
  const tuple = /'shape': *\(([\d, ]*)\)/.exec(header)?.[1];
  if (descr === undefined || order === undefined || tuple === undefined) {
    throw new DfkdError('E_PARSE', `'${name}' has a malformed .npy header.`);
  }
  const shape = tuple
    .split(',')
    .filter((dim) => dim.trim() !== '')
    .map(Number);
  if (!shape.every(Number.isSafeInteger)) {
    throw new DfkdError('E_PARSE', `'${name}' has a malformed .npy shape (${tuple.trim()}).`);
  }
  if (order === 'True' && shape.length > 1) {
    throw new DfkdError(
      'E_TENSOR',
      `'${name}' is stored in Fortran order; save it with np.ascontiguousarray.`,
    );
  }
  return { descr, shape };
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}
