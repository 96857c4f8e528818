import { DfkdError } from '../../converters/errors.js';
import type { Model } from '../../converters/model.js';
import { toRunnable } from '../../converters/runnable.js';
import type { HostTensor } from '../engine/engine.js';
import type { MemoryOptions, NoteOptions, SignatureOptions } from '../open-model.js';
import { createRandom } from '../random.js';
import { type Parity, type Tolerance, compareTensors } from './parity.js';
import { openRunnable } from './open-runnable.js';
import { runModel } from './run-model.js';

export interface VerifyOptions extends Tolerance, SignatureOptions, MemoryOptions, NoteOptions {
  /** Seed of the inputs; default 0. */
  readonly seed?: number | undefined;
  readonly threads?: number | undefined;
}

type InputShape = readonly (number | null)[];

/** Enough inputs to reach every path of a classifier, few enough to take no time. */
const INPUTS = 16;

/**
 * Runs two models in onnxruntime on the same seeded Gaussian inputs and compares their outputs; the first is the
 * reference. Throws E_SHAPE where they do not take the same input or give the same output.
 */
export async function verifyModels(a: string, b: string, options: VerifyOptions = {}): Promise<Parity> {
  const [reference, other] = [await open(a, options), await open(b, options)];
  const shape = commonInputShape(inputShape(reference), inputShape(other));
  const size = shape.reduce((product, dim) => product * dim, 1);
  const images = {
    shape,
    data: createRandom(options.seed ?? 0)
      .split('verify')
      .gaussian(size),
  };
  const run = ({ model }: OpenedFile): Promise<HostTensor> =>
    runModel(toRunnable(model), images, {
      threads: options.threads,
      outputName: model.graph.outputs[0].name,
    });
  return compareTensors(await run(reference), await run(other), options);
}

interface OpenedFile {
  readonly path: string;
  readonly model: Model;
}

async function open(path: string, options: VerifyOptions): Promise<OpenedFile> {
  const { model, notes } = await openRunnable(path, INPUTS, options);
  for (const note of notes) options.onNote?.(`'${path}': ${note}`);
  return { path, model };
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
      throw new DfkdError(
        'E_ARG',
        `The models leave axis ${axis} of their input [${show(first)}] open; give its shape with --input-shape.`,
      );
    }
    return size;
  });
}

function inputShape({ path, model }: OpenedFile): InputShape {
  const shape = model.graph.inputs[0]?.shape;
  if (shape) return shape;
  throw new DfkdError('E_ARG', `'${path}' has no input of known rank; give its shape with --input-shape.`);
}

function show(shape: InputShape): string {
  return shape.map((dim) => dim ?? '?').join(', ');
}
