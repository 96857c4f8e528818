import { printable } from './printable.js';

/** Stable codes, one per kind of failure; shown in messages and in `--json`. */
export type ErrorCode =
  | 'E_ARG' // a command-line argument or option of the library is wrong
  | 'E_PARSE' // not a protobuf message, or truncated
  | 'E_MODEL' // parsed, but not a well-formed model graph
  | 'E_TENSOR' // a tensor's data does not fit its dims or type
  | 'E_EXTERNAL' // external data cannot be read safely
  | 'E_ATTR' // an operator's attribute is missing, malformed or out of range
  | 'E_SHAPE' // shapes do not fit
  | 'E_NONFINITE' // NaN or infinity where a number must be finite
  | 'E_UNSUPPORTED' // valid ONNX, but not within what this tool does; or a device that cannot be used
  | 'E_QUALITY' // the result missed its quality target
  | 'E_LIMIT' // more memory or work than allowed
  | 'E_INTERNAL' // our own mistake
  | 'E_IO' // the operating system refused a read or a write
  | 'E_INTERRUPTED'; // stopped by the user, can be resumed

/** Process exit status by code (usage 2, bad input 3, unsupported 4, quality 5, limit 6, sysexits beyond). */
export const EXIT_STATUS: Readonly<Record<ErrorCode, number>> = {
  E_ARG: 2,
  E_PARSE: 3,
  E_MODEL: 3,
  E_TENSOR: 3,
  E_EXTERNAL: 3,
  E_ATTR: 3,
  E_SHAPE: 3,
  E_NONFINITE: 3,
  E_UNSUPPORTED: 4,
  E_QUALITY: 5,
  E_LIMIT: 6,
  E_INTERNAL: 70,
  E_IO: 74,
  E_INTERRUPTED: 75,
};

/** Names in a file are as long as its author chose, and a sentence is to be read. */
const MAX_MESSAGE = 1500;

/**
 * An expected failure: the message is one sentence for the user (what was seen, what works, what to do), on one line
 * whatever names it repeats.
 */
export class DfkdError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(printable(abbreviate(message)), options);
    this.name = 'DfkdError';
    this.code = code;
  }

  get exitStatus(): number {
    return EXIT_STATUS[this.code];
  }
}

function abbreviate(message: string): string {
  if (message.length <= MAX_MESSAGE) return message;
  return `${message.slice(0, MAX_MESSAGE / 2)} ... ${message.slice(-MAX_MESSAGE / 2)}`;
}
