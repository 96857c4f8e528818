import { toRawData } from './encode.js';
import { DfkdError } from './errors.js';
import type { Tensor } from './model.js';

/** Where a tensor's bytes lie in a file beside the model. */
export interface ExternalPlace {
  readonly location: string;
  readonly offset: number;
  readonly length: number;
}

/** A file beside the model, in pieces: a model may have more weights than one array holds. */
export interface ExternalFile {
  /** Its name, in the model's own folder. */
  readonly location: string;
  readonly chunks: readonly Uint8Array[];
}

/** Tensors begin on a cache line, large ones where memory can be mapped (Windows maps in steps of 64 KiB). */
const ALIGNMENT = 64;
const LARGE = { bytes: 2 ** 20, alignment: 2 ** 16 } as const;

/**
 * Lays tensors out in one file, in their order, with zeros between them.
 * Source: https://github.com/onnx/onnx/blob/main/docs/ExternalData.md
 * @throws DfkdError E_ARG where the name could be read as a path
 */
export function layOutExternal(
  tensors: ReadonlyMap<string, Tensor>,
  location: string,
): { readonly file: ExternalFile; readonly places: ReadonlyMap<string, ExternalPlace> } {
  // eslint-disable-next-line no-control-regex
  if (/[/\\:\u0000-\u001f]/.test(location)) {
    throw new DfkdError(
      'E_ARG',
      `External data cannot be named ${JSON.stringify(location)}: choose an output without slashes, colons and control characters in its name.`,
    );
  }
  const chunks: Uint8Array[] = [];
  const places = new Map<string, ExternalPlace>();
  let end = 0;
  for (const [name, tensor] of tensors) {
    const bytes = toRawData(tensor);
    const alignment = bytes.length >= LARGE.bytes ? LARGE.alignment : ALIGNMENT;
    const offset = Math.ceil(end / alignment) * alignment;
    if (offset > end) chunks.push(new Uint8Array(offset - end));
    chunks.push(bytes);
    places.set(name, { location, offset, length: bytes.length });
    end = offset + bytes.length;
  }
  return { file: { location, chunks }, places };
}
