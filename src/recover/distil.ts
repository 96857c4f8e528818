import { measureAgreement, type Classifier } from '../classifier.js';
import { FOLLOW, type ImageSource } from '../dream/image-source.js';
import type { Arrays, CompiledStep, Engine, HostTensor } from '../engine/engine.js';
import { scalar } from '../engine/host-tensor.js';
import type { Network } from '../network/network.js';
import { cosineLearningRate } from '../optimise/schedules.js';
import { throwIfInterrupted, type RunControl } from '../progress.js';
import { atStep, requireFiniteOutput, requireFiniteState, type Circumstances } from '../require-finite.js';
import { replaceWeights, type Student } from '../student.js';
import {
  createDistilStep,
  distilState,
  studentState,
  weightsOf,
  type DistilStepOptions,
} from './distil-step.js';
import type { Gradual } from './gradual.js';

export interface DistilOptions extends DistilStepOptions {
  readonly steps: number;
  /** Highest learning rate of the gradient descent; rises linearly at first, then falls to 0 along a cosine. */
  readonly learningRate: number;
  /** Share of the steps in which the rate rises. */
  readonly warmUp: number;
  /** Times the student is measured on the held-out images while it learns. */
  readonly checks: number;
}

const ADVICE = "a lower learning rate (the preset's distil.learningRate) or a lower sparsity may help";

/** Top-1 agreement of a student with the teacher on held-out images, in 0..1. */
export type Measure = (student: Student) => Promise<number>;

/** `images`, [count, channels, height, width], are those that no training step sees. */
export async function createMeasure(
  classifier: Classifier,
  teacher: Student,
  images: HostTensor,
): Promise<Measure> {
  const expected = await classifier.logits(teacher, images);
  return async (student) => measureAgreement(await classifier.logits(student, images), expected);
}

/**
 * Teaches a pruned student its teacher's logits on the images of `source`, masks held; or, where pruning is gradual, the
 * student that this starts from, cut further as it learns. Returns the student that agreed best with the teacher on
 * held-out images, of the one given and those measured on the way (the last of equals) with all that is to be cut.
 */
export async function distil(
  engine: Engine,
  network: Network,
  student: Student,
  source: ImageSource,
  measure: Measure,
  { gradual = null, ...options }: DistilOptions & { readonly gradual?: Gradual | null },
  control: RunControl = {},
): Promise<Student> {
  let images = await source.next(network.batch);
  let learner = gradual?.start ?? student;
  const step = await engine.compile(createDistilStep(network, options), {
    state: distilState(network, learner),
    input: stepInput(images, options, 0),
  });
  let best = { student, agreement: await measure(student) };
  try {
    for (let i = 0; i < options.steps; i++) {
      throwIfInterrupted(control);
      if (gradual) learner = await cut(network, step, learner, gradual, i);
      if (source.follow && i % FOLLOW === 0) {
        await source.follow(replaceWeights(learner, weightsOf(await step.readState())));
      }
      if (i > 0) images = await source.next(network.batch);
      const output = await step.run(stepInput(images, options, i));
      const terms = Object.fromEntries(Object.entries(output).map(([term, { data }]) => [term, data[0]]));
      const circumstances = atStep('distillation step', i + 1, options.steps, ADVICE);
      await requireFiniteOutput(step, output, circumstances);
      if (i >= (gradual?.until ?? 0) && isCheck(i + 1, options)) {
        best = await better(best, learner, step, measure, circumstances);
        terms['agreement'] = best.agreement;
      }
      control.onProgress?.({ stage: 'distil', step: i + 1, steps: options.steps, terms });
    }
  } finally {
    await step.dispose();
  }
  return best.student;
}

/** Cuts what is to be cut before step `i`, in the student that learns and in the state of its step. */
async function cut(
  network: Network,
  step: CompiledStep,
  learner: Student,
  { cutsAt, masksAt }: Gradual,
  i: number,
): Promise<Student> {
  if (!cutsAt(i)) return learner;
  const weights = new Map([...learner.weights, ...weightsOf(await step.readState())]);
  const less = replaceWeights({ weights, masks: masksAt(i, weights) }, weights);
  await step.writeState(studentState(network, less));
  return less;
}

/** Whether the student is measured after this step, counted from 1; the last step always is. */
function isCheck(step: number, { steps, checks }: DistilOptions): boolean {
  return step === steps || step % Math.ceil(steps / checks) === 0;
}

async function better(
  best: { student: Student; agreement: number },
  learner: Student,
  step: CompiledStep,
  measure: Measure,
  circumstances: Circumstances,
): Promise<{ student: Student; agreement: number }> {
  const state = await step.readState();
  requireFiniteState(state, circumstances);
  const student = replaceWeights(learner, weightsOf(state));
  const agreement = await measure(student);
  return agreement >= best.agreement ? { student, agreement } : best;
}

function stepInput(images: HostTensor, options: DistilOptions, step: number): Arrays {
  return { images, learningRate: scalar(cosineLearningRate(options, step)) };
}
