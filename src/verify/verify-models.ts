import { DfkdError } from '../../converters/errors.js';
import { createRandom } from '../random.js';
import { type Parity, type Tolerance, compareTensors } from './parity.js';
import { readRunnable } from './read-runnable.js';
import { runModel } from './run-model.js';

export interface VerifyOptions extends Tolerance {
  /** Seed of the inputs; default 0. */
  readonly seed?: number | undefined;
  readonly threads?: number | undefined;
  /** Bytes that may be used; default three quarters of the machine's. */
  readonly maxMemory?: number | undefined;
}

type InputShape = readonly (number | null)[];

/** Enough inputs to reach every path of a classifier, few enough to take no time. */
const INPUTS = 16;

/**
 * Runs two models in onnxruntime on the same seeded Gaussian inputs and compares their outputs; the first is the
 * reference. Throws E_SHAPE where they do not take the same input or give the same output.
 */
export async function verifyModels(a: string, b: string, options: VerifyOptions = {}): Promise<Parity> {
  const { maxMemory } = options;
  const shape = commonInputShape(await inputShape(a, maxMemory), await inputShape(b, maxMemory));
  const size = shape.reduce((product, dim) => product * dim, 1);
  const images = {
    shape,
    data: createRandom(options.seed ?? 0)
      .split('verify')
      .gaussian(size),
  };
  const { threads } = options;
  return compareTensors(
    await runModel(a, images, { threads }),
    await runModel(b, images, { threads }),
    options,
  );
}

/** [INPUTS, ...], each dimension as the model that fixes it says. */
function commonInputShape(first: InputShape, second: InputShape): number[] {
  const same =
    first.length === second.length &&
    first.every((dim, axis) => axis === 0 || dim === null || (second[axis] ?? dim) === dim);
  if (!same) {
    throw new DfkdError(
      'E_SHAPE',
      `The models take different inputs, [${show(first)}] and [${show(second)}], and cannot be compared.`,
    );
  }
  return first.map((dim, axis) => {
    if (axis === 0) return INPUTS;
    const size = dim ?? second[axis];
    if (size === null) {
      throw new DfkdError('E_SHAPE', `The models leave axis ${axis} of their input [${show(first)}] open.`);
    }
    return size;
  });
}

async function inputShape(path: string, maxMemory: number | undefined): Promise<InputShape> {
  const model = await readRunnable(path, INPUTS, maxMemory);
  const shape = model.graph.inputs[0]?.shape;
  if (!shape) throw new DfkdError('E_SHAPE', `'${path}' has no input of known rank and cannot be compared.`);
  return shape;
}

function show(shape: InputShape): string {
  return shape.map((dim) => dim ?? '?').join(', ');
}
