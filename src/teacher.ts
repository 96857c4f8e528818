import { DfkdError } from '../converters/errors.js';
import { roundTo } from '../converters/half.js';
import { checkMemory } from '../converters/memory.js';
import type { Model } from '../converters/model.js';
import { computesInHalf } from '../converters/runnable.js';
import { createClassifier, type Classifier } from './classifier.js';
import type { Engine, HostTensor } from './engine/engine.js';
import { lowerModel } from './network/lower.js';
import type { Network } from './network/network.js';
import { type MemoryOptions, openModel, requireScores, type SignatureOptions } from './open-model.js';
import {
  fromPixelSpace,
  resolvePreprocessing,
  toLayout,
  type PreprocessOption,
  type Preprocessing,
} from './preprocess.js';
import { createRandom } from './random.js';
import { copyTeacher, type Student } from './student.js';
import { assertParity, type Parity, type Tolerance } from './verify/parity.js';
import { runModel, type RunModelOptions } from './verify/run-model.js';

/** A model that was read, checked, and found to compute what onnxruntime computes. */
export interface Teacher {
  readonly model: Model;
  readonly preprocessing: Preprocessing;
  readonly network: Network;
  readonly classifier: Classifier;
  /** What the user should know of how it was read. */
  readonly notes: readonly string[];
}

export interface TeacherOptions extends SignatureOptions, MemoryOptions {
  /** Images per step, by their shape: [channels, height, width]. */
  readonly batch: (item: readonly number[]) => number;
  /** How often the job will hold the weights in memory at its height; the file's own included. */
  readonly copies: number;
  readonly preprocess: PreprocessOption;
  readonly threads: number | undefined;
}

/**
 * Reads, validates and lowers the teacher, and compares our forward pass with onnxruntime's on the file.
 * Throws what reading, validating and lowering throw; E_UNSUPPORTED where it takes no images; E_INTERNAL where the two differ.
 */
export async function readTeacher(path: string, engine: Engine, options: TeacherOptions): Promise<Teacher> {
  const opened = await openModel(path, options);
  requireScores(opened, options);
  const { model, notes } = opened;
  const preprocessing = resolvePreprocessing(options.preprocess, model);
  const { maxMemory } = options;
  // How many images a step takes depends on their size, which lowering tells.
  const one = lowerModel(model, { batch: 1, maxMemory });
  requireImages(one);
  const network = lowerModel(model, { batch: options.batch(one.input.shape.slice(1)), maxMemory });
  checkWeights(network, options);
  const classifier = await createClassifier(engine, network);
  const known = preprocessing.note === undefined ? notes : [...notes, preprocessing.note];
  const teacher = { model, preprocessing, network, classifier, notes: known };
  await compareWithFile(teacher, copyTeacher(network), path, 'The network read from the file', options);
  return teacher;
}

function requireImages({ input: { name, shape } }: Network): void {
  if (shape.length === 4) return;
  throw new DfkdError(
    'E_UNSUPPORTED',
    `Input '${name}' is [${['N', ...shape.slice(1)].join(', ')}]; images [N, C, H, W] are needed to learn from.`,
  );
}

function checkWeights({ parameters }: Network, { copies, maxMemory }: TeacherOptions): void {
  const bytes = [...parameters.values()].reduce((sum, { data }) => sum + data.byteLength, 0);
  checkMemory('The work on the weights', copies * bytes, maxMemory);
}

/**
 * Runs a file in onnxruntime and the student in our own network on the same noise.
 * @param what the comparison's name in the message of E_INTERNAL, which is thrown where they differ
 */
export async function compareWithFile(
  { model, network, preprocessing, classifier }: Teacher,
  student: Student,
  file: string,
  what: string,
  { threads, maxMemory }: Pick<RunModelOptions, 'threads' | 'maxMemory'>,
  tolerance: Tolerance = {},
): Promise<Parity> {
  const { shape } = network.input;
  const noise = createRandom(0).gaussian(shape.reduce((product, size) => product * size, 1));
  const pixels = fromPixelSpace({ shape, data: noise }, preprocessing);
  const images = { shape, data: roundTo(model.graph.inputs[0].type, pixels.data) };
  const logits = await classifier.logits(student, images);
  const given = await runModel(file, toLayout(images, network.input.layout), {
    threads,
    maxMemory,
    outputName: network.output.name,
  });
  // Scores [N, classes, 1, 1] are scores [N, classes].
  const expected = { shape: logits.shape, data: given.data };
  const allowed = computesInHalf(model) ? halfTolerance(expected) : floatTolerance(expected, tolerance);
  return assertParity(expected, toOutput(network, logits), { what, ...allowed });
}

/**
 * Rounding is to a share of the terms that are summed, however near zero their sum is: of the largest output, 1e-5 is
 * allowed (a ResNet-50 of random weights, with outputs up to 4,400, differs by 4e-7 of that).
 */
function floatTolerance(expected: HostTensor, { atol = 1e-5, ...others }: Tolerance): Tolerance {
  return { ...others, atol: Math.max(atol, 1e-5 * largestOf(expected)) };
}

/**
 * What onnxruntime may differ by where it computes in float16 and we in float32 with the same (rounded) weights: every
 * value in between is rounded to 11 bits, which adds up over the layers. ResNet-20's 20 come to 4 * 2^-11 of the largest
 * output; 16 times 2^-11 is allowed.
 */
function halfTolerance(expected: HostTensor): Tolerance {
  return { atol: 2 ** -7 * largestOf(expected) };
}

const largestOf = ({ data }: HostTensor): number =>
  data.reduce((most, value) => Math.max(most, Math.abs(value)), 0);

/** Our networks end at the logits; where the file's own output is their Softmax or LogSoftmax, so is the result. */
function toOutput({ output }: Network, logits: HostTensor): HostTensor {
  if (output.activation === null) return logits;
  const data = new Float32Array(logits.data.length);
  for (let start = 0; start < data.length; start += output.classes) {
    const row = logits.data.subarray(start, start + output.classes);
    const largest = Math.max(...row);
    const logSum = Math.log(row.reduce((sum, x) => sum + Math.exp(x - largest), 0));
    const logs = row.map((x) => x - largest - logSum);
    data.set(output.activation === 'Softmax' ? logs.map(Math.exp) : logs, start);
  }
  return { shape: logits.shape, data };
}
