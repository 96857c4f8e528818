import { createRequire } from 'node:module';
import { DfkdError } from '../../../converters/errors.js';

/** The name under which either package registers its tfjs backend. */
export const BACKEND = 'tensorflow';

/** The one for NVIDIA GPUs first: who installed it wants it. */
const PACKAGES = ['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node'];

const require = createRequire(import.meta.url);

/**
 * Loads TensorFlow's backend into tfjs. TensorFlow reads its environment while it loads: the first call of a process
 * settles the number of threads. Throws E_ARG where no package is installed, or it does not work.
 */
export function loadTensorFlow(threads: number | undefined): void {
  const name = PACKAGES.find(isInstalled);
  if (name === undefined) {
    throw new DfkdError(
      'E_ARG',
      'The engine tensorflow needs @tensorflow/tfjs-node, which is not installed; install version 4.22.0 and build ' +
        'its addon as the README says under TensorFlow.',
    );
  }
  // Errors only: TensorFlow greets on stderr otherwise.
  process.env['TF_CPP_MIN_LOG_LEVEL'] ??= '2';
  // On processors with bfloat16 products, oneDNN's kernels in TensorFlow 2.21 gave zeros, or three digits, for gradients of
  // small grouped and transposed convolutions; its own kernels agree with onnxruntime.
  process.env['TF_ENABLE_ONEDNN_OPTS'] ??= '0';
  if (threads !== undefined) process.env['TF_NUM_INTRAOP_THREADS'] = `${threads}`;
  restoreUtil();
  try {
    require(name);
  } catch (error) {
    const [reason] = (error as Error).message.split('\n');
    throw new DfkdError(
      'E_ARG',
      `${name} is installed but does not load (${reason.trim()}); build its addon as the README says under TensorFlow.`,
      { cause: error },
    );
  }
}

function isInstalled(name: string): boolean {
  try {
    require.resolve(`${name}/package.json`);
    return true;
  } catch {
    return false;
  }
}

/** What tfjs-node 4.22 uses of node:util: since Node 22 these warn that they are deprecated, since Node 23 they go. */
function restoreUtil(): void {
  Object.assign(require('node:util') as object, {
    isArray: (value: unknown) => Array.isArray(value),
    isNullOrUndefined: (value: unknown) => value === null || value === undefined,
  });
}
