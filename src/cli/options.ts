import { DfkdError, type PreprocessOption, type RecoverOptions } from '../index.js';

/** Options that several commands share, and strict readers of their values. Values arrive as text. */

export const PREPROCESS_OPTIONS = {
  preprocess: {
    type: 'string',
    choices: ['auto', 'imagenet', 'cifar10', 'unit', 'raw'],
    describe: "How pixels become the model's input (default auto)",
    requiresArg: true,
  },
  mean: {
    type: 'string',
    describe: 'Instead of --preprocess: means of (x/255 - mean) / std, r,g,b',
    requiresArg: true,
  },
  std: { type: 'string', describe: 'and its standard deviations, r,g,b', requiresArg: true },
} as const;

export const SIGNATURE_OPTIONS = {
  'input-shape': {
    type: 'string',
    describe: 'Shape of one input, such as 3,224,224, where the file leaves it open',
    requiresArg: true,
  },
  output: {
    type: 'string',
    describe: 'Name of the output with the class scores (default the first)',
    requiresArg: true,
  },
} as const;

export const JSON_OPTION = {
  json: { type: 'boolean', default: false, describe: 'Print one JSON document on stdout and nothing else' },
} as const;

export const COMPUTE_OPTIONS = {
  engine: {
    type: 'string',
    choices: ['onnxruntime', 'tensorflow'],
    default: 'onnxruntime',
    requiresArg: true,
    describe: 'What computes; tensorflow needs @tensorflow/tfjs-node',
  },
  device: {
    type: 'string',
    choices: ['auto', 'cpu', 'cuda', 'webgpu', 'dml', 'coreml'],
    default: 'cpu',
    requiresArg: true,
    describe: 'Where to compute; onnx-dfkd devices shows what there is',
  },
  threads: {
    type: 'string',
    describe: 'Threads (default: one per physical core, at most what a container may use)',
    requiresArg: true,
  },
} as const;

export const MEMORY_OPTION = {
  'max-memory': {
    type: 'string',
    describe: "Most memory to use, such as 4G or 512M (default: three quarters of the machine's)",
    requiresArg: true,
  },
} as const;

export interface ComputeArguments {
  readonly engine: 'onnxruntime' | 'tensorflow';
  readonly device: RecoverOptions['device'];
  readonly threads?: string | undefined;
}

export interface MemoryArguments {
  readonly 'max-memory'?: string | undefined;
}

export interface SignatureArguments {
  readonly 'input-shape'?: string | undefined;
  readonly output?: string | undefined;
}

export interface PreprocessArguments {
  readonly preprocess?: 'auto' | 'imagenet' | 'cifar10' | 'unit' | 'raw' | undefined;
  readonly mean?: string | undefined;
  readonly std?: string | undefined;
}

export function readPreprocess({ preprocess, mean, std }: PreprocessArguments): PreprocessOption {
  if (mean === undefined && std === undefined) return preprocess ?? 'auto';
  if (preprocess !== undefined) {
    throw new DfkdError(
      'E_ARG',
      '--preprocess and --mean/--std both say how pixels are mapped; give one of them.',
    );
  }
  if (mean === undefined || std === undefined) {
    throw new DfkdError('E_ARG', '--mean and --std belong together; give both.');
  }
  return { mean: readNumbers('--mean', mean), std: readNumbers('--std', std) };
}

export function readSignature(argv: SignatureArguments): { inputShape?: number[]; outputName?: string } {
  const { 'input-shape': shape, output } = argv;
  return {
    ...(shape === undefined
      ? {}
      : { inputShape: shape.split(',').map((part) => readInteger('--input-shape', part.trim(), 1)) }),
    ...(output === undefined ? {} : { outputName: output }),
  };
}

/** A decimal number: no NaN, no infinity, no hexadecimal, no empty text. */
export function readNumber(option: string, text: string): number {
  if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text)) {
    throw new DfkdError('E_ARG', `${option} must be a number, not '${text}'.`);
  }
  return Number(text);
}

export function readInteger(option: string, text: string, least: number): number {
  const value = /^\d+$/.test(text) ? Number(text) : NaN;
  if (!Number.isSafeInteger(value) || value < least) {
    throw new DfkdError('E_ARG', `${option} must be a whole number of at least ${least}, not '${text}'.`);
  }
  return value;
}

export function readThreads(text: string | undefined): number | undefined {
  return text === undefined ? undefined : readInteger('--threads', text, 1);
}

/** Bytes from `4G`, `512M` or a plain number of bytes; K, M and G are powers of 1024. */
export function readMaxMemory({ 'max-memory': text }: MemoryArguments): number | undefined {
  if (text === undefined) return undefined;
  const [, digits, unit] = /^(\d+)([KMG]?)$/i.exec(text) ?? ['', 'NaN', ''];
  const bytes = Number(digits) * 1024 ** ' KMG'.indexOf(unit.toUpperCase() || ' ');
  if (Number.isSafeInteger(bytes) && bytes > 0) return bytes;
  throw new DfkdError('E_ARG', `--max-memory must be a size such as 4G, 512M or 1000000, not '${text}'.`);
}

/** Seconds from `30s`, `3m`, `1.5h` or a plain number of seconds. */
export function readDuration(option: string, text: string): number {
  const [, number, unit] = /^(\d+\.?\d*|\.\d+)([smh]?)$/i.exec(text) ?? ['', 'NaN', ''];
  const seconds = Number(number) * 60 ** Math.max(0, 'smh'.indexOf(unit.toLowerCase()));
  if (seconds > 0 && Number.isFinite(seconds)) return seconds;
  throw new DfkdError('E_ARG', `${option} must be a time such as 30s, 3m or 1h, not '${text}'.`);
}

function readNumbers(option: string, text: string): number[] {
  return text.split(',').map((part) => readNumber(option, part.trim()));
}
