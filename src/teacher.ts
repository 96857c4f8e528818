import { DfkdError } from '../converters/errors.js';
import type { Graph, Model } from '../converters/model.js';
import { requireBatchNorms } from '../converters/passes/find-batch-norms.js';
import { inlineFunctions } from '../converters/passes/inline-functions.js';
import { readModel } from '../converters/read.js';
import { validateModel } from '../converters/validate.js';
import { createClassifier, type Classifier } from './classifier.js';
import type { Engine, HostTensor } from './engine/engine.js';
import { lowerModel } from './network/lower.js';
import type { Network } from './network/network.js';
import {
  fromPixelSpace,
  resolvePreprocessing,
  type PreprocessOption,
  type Preprocessing,
} from './preprocess.js';
import { createRandom } from './random.js';
import { copyTeacher, type Student } from './student.js';
import { assertParity, type Parity, type Tolerance } from './verify/parity.js';
import { runModel } from './verify/run-model.js';

/** A model that was read, checked, and found to compute what onnxruntime computes. */
export interface Teacher {
  readonly model: Model;
  readonly preprocessing: Preprocessing;
  readonly network: Network;
  readonly classifier: Classifier;
}

export interface TeacherOptions {
  /** Images per step. */
  readonly batch: number;
  readonly preprocess: PreprocessOption;
  readonly threads: number | undefined;
  /** Bytes that may be used; default three quarters of the machine's. */
  readonly maxMemory?: number | undefined;
}

/**
 * Reads, validates and lowers the teacher, and compares our forward pass with onnxruntime's on the file.
 * Throws what reading, validating and lowering throw; E_UNSUPPORTED without batch norm or with it in training mode; E_INTERNAL where the two differ.
 */
export async function readTeacher(path: string, engine: Engine, options: TeacherOptions): Promise<Teacher> {
  const { maxMemory } = options;
  const model = await readModel(path, { maxMemory });
  validateModel(model);
  const preprocessing = resolvePreprocessing(options.preprocess, model);
  const graph = inlineFunctions(model);
  requireBatchNorms(graph);
  refuseTrainingMode(graph);
  const network = lowerModel(model, { batch: options.batch, maxMemory });
  const classifier = await createClassifier(engine, network);
  const teacher = { model, preprocessing, network, classifier };
  await compareWithFile(
    teacher,
    copyTeacher(network),
    path,
    'The network read from the file',
    options.threads,
  );
  return teacher;
}

/** onnxruntime would normalise with each batch's own statistics, and what we verify is not what it would compute. */
function refuseTrainingMode({ nodes }: Graph): void {
  const training = nodes.filter(
    ({ opType, attributes }) =>
      opType === 'BatchNormalization' && attributes.get('training_mode')?.value === 1,
  );
  if (training.length === 0) return;
  throw new DfkdError(
    'E_UNSUPPORTED',
    `${training.length} batch norms, '${training[0].label}' first, were exported in training mode; export again ` +
      'with model.eval() and training=torch.onnx.TrainingMode.PRESERVE.',
  );
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
  threads: number | undefined,
  tolerance: Tolerance = {},
): Promise<Parity> {
  const { shape } = network.input;
  const noise = createRandom(0).gaussian(shape.reduce((product, size) => product * size, 1));
  const images = fromPixelSpace({ shape, data: noise }, preprocessing);
  const logits = await classifier.logits(student, images);
  const expected = await runModel(file, images, { threads });
  return assertParity(expected, toOutput(model, network, logits), { what, ...tolerance });
}

/** Our networks end at the logits; where the file's own output is their Softmax or LogSoftmax, so is the result. */
function toOutput(model: Model, { output }: Network, logits: HostTensor): HostTensor {
  if (output.logits === output.name) return logits;
  const last = inlineFunctions(model).nodes.find(({ outputs }) => outputs.includes(output.name));
  const data = new Float32Array(logits.data.length);
  for (let start = 0; start < data.length; start += output.classes) {
    const row = logits.data.subarray(start, start + output.classes);
    const largest = Math.max(...row);
    const logSum = Math.log(row.reduce((sum, x) => sum + Math.exp(x - largest), 0));
    const logs = row.map((x) => x - largest - logSum);
    data.set(last?.opType === 'Softmax' ? logs.map(Math.exp) : logs, start);
  }
  return { shape: logits.shape, data };
}
