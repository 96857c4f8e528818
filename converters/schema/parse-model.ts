import { DfkdError } from '../errors.js';
import { decodeModelProto, type ModelProto } from './index.js';
import { checkWire } from './check-wire.js';
import { wireFields } from './wire.js';

const GRAPH_FIELD = 7;

/**
 * The file as a ModelProto with exactly one graph; `what` names it in messages.
 * @throws DfkdError E_PARSE, E_MODEL, E_LIMIT, E_UNSUPPORTED (subgraphs nested too deeply)
 */
export function parseModel(bytes: Uint8Array, what: string): ModelProto {
  if (bytes.length === 0) throw new DfkdError('E_PARSE', `${what} is empty.`);
  const content = recogniseOtherFormat(bytes);
  if (content) throw new DfkdError('E_PARSE', `${what} is not an ONNX model: its content is ${content}.`);

  const graphs = checkFields(bytes, what);
  const repeated = checkContent(bytes, what);
  const proto = decode(bytes, what);
  // protobuf merges a field that is given twice; a graph merged from two is nobody's intention.
  if (graphs > 1) throw new DfkdError('E_MODEL', `${what} holds ${graphs} graphs instead of one.`);
  if (repeated) throw new DfkdError('E_MODEL', `${what} is damaged: ${repeated}, where there can be one.`);
  if (!proto.graph) throw new DfkdError('E_MODEL', `${what} holds no graph.`);
  return proto;
}

function checkFields(bytes: Uint8Array, what: string): number {
  let graphs = 0;
  try {
    for (const { number } of wireFields(bytes)) if (number === GRAPH_FIELD) graphs++;
  } catch (cause) {
    const detail = (cause as Error).message;
    // Beyond the header, the file was an ONNX model before its end was lost.
    const kind =
      graphs > 0 || detail.includes('more bytes') ? 'is truncated or damaged' : 'is not an ONNX model';
    throw new DfkdError('E_PARSE', `${what} ${kind}: ${lowerFirst(detail)}`, { cause });
  }
  return graphs;
}

/** Below the file's own fields. */
function checkContent(bytes: Uint8Array, what: string): string | undefined {
  try {
    return checkWire(bytes);
  } catch (cause) {
    if (!(cause instanceof DfkdError) || cause.code !== 'E_PARSE') throw cause;
    throw new DfkdError('E_PARSE', `${what} is truncated or damaged: ${lowerFirst(cause.message)}`, {
      cause,
    });
  }
}

function decode(bytes: Uint8Array, what: string): ModelProto {
  try {
    return decodeModelProto(bytes);
  } catch (cause) {
    const detail = (cause as Error).message;
    if (detail.includes('max depth exceeded')) {
      throw new DfkdError(
        'E_UNSUPPORTED',
        `${what} nests its messages too deeply; control flow (If, Loop, Scan) is not supported.`,
        { cause },
      );
    }
    throw new DfkdError('E_PARSE', `${what} is damaged: ${detail}.`, { cause });
  }
}

function recogniseOtherFormat(bytes: Uint8Array): string | undefined {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 256)).toString('latin1');
  if (head.startsWith('version https://git-lfs')) return "a Git LFS pointer (run 'git lfs pull')";
  if (head.startsWith('PK\x03\x04'))
    return 'a zip archive, such as a PyTorch checkpoint (use torch.onnx.export)';
  if (head.startsWith('\x89HDF')) return 'HDF5, such as a Keras model (convert it with tf2onnx)';
  if (head.startsWith('TFL3', 4)) return 'a TensorFlow Lite model';
  return /^[\t\n\r -~\x80-\xff]+$/.test(head) && bytes.length > 8 ? 'text' : undefined;
}

function lowerFirst(sentence: string): string {
  return sentence.charAt(0).toLowerCase() + sentence.slice(1);
}
