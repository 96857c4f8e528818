/** A step as an onnxruntime session whose state stays in onnxruntime's tensors from run to run. */
import type { Tensor as OrtTensor } from 'onnxruntime-node';
import { DfkdError } from '../../../converters/errors.js';
import type { Arrays, CompiledStep, HostTensor, NonFinite } from '../engine.js';
import { outputName } from './emit.js';
import { INPUT, OUTPUT, STATE } from './recorder.js';
import type { OnnxRuntime } from './runtime.js';
import type { Session } from './session.js';
import { toArrays, type OrtTensors, type StepState } from './step-state.js';

/** The names of what the session reads and returns. */
export interface StepSignature {
  readonly stateNames: readonly string[];
  /** The part of the state that a run changes; the rest is read only. */
  readonly changed: readonly string[];
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  /** Inputs that are the same in every run, by their name in the session. */
  readonly constants: ReadonlyMap<string, HostTensor>;
}

/** Repeats one run, from the state it started in, to find the first value that is not finite. */
export type Diagnose = (state: Arrays, input: Arrays) => Promise<NonFinite | undefined>;

export class OnnxRuntimeStep implements CompiledStep {
  private lastInput: Arrays | undefined;
  private readonly constants: OrtTensors;

  constructor(
    private readonly ort: OnnxRuntime,
    private readonly session: Session,
    private readonly signature: StepSignature,
    private readonly state: StepState,
    private readonly diagnoseRun: Diagnose,
  ) {
    this.constants = Object.fromEntries(
      [...signature.constants].map(([name, { shape, data }]) => [
        name,
        new ort.Tensor('float32', data, shape),
      ]),
    );
  }

  async run(input: Arrays): Promise<Arrays> {
    const { stateNames, changed, inputNames, outputNames } = this.signature;
    const feeds: Record<string, OrtTensor> = { ...this.constants };
    const fetches: Record<string, OrtTensor | null> = {};
    const { current, targets } = this.state;
    for (const name of stateNames) feeds[STATE + name] = current[name];
    for (const name of changed) fetches[outputName(STATE + name)] = targets[name];
    for (const name of inputNames) {
      const given = input[name] as HostTensor | undefined;
      if (given === undefined) throw new DfkdError('E_INTERNAL', `The step's input '${name}' was not given.`);
      feeds[INPUT + name] = new this.ort.Tensor('float32', given.data, given.shape);
    }
    for (const name of outputNames) fetches[outputName(OUTPUT + name)] = null;
    const results = (await this.session.run(feeds, fetches)) as OrtTensors;
    const pick = (prefix: string, names: readonly string[]): OrtTensors =>
      Object.fromEntries(names.map((name) => [name, results[outputName(prefix + name)]]));
    this.state.advance(pick(STATE, changed));
    this.lastInput = input;
    return toArrays(pick(OUTPUT, outputNames));
  }

  readState(): Promise<Arrays> {
    return this.state.read();
  }

  writeState(state: Arrays): Promise<void> {
    this.state.write(state);
    return Promise.resolve();
  }

  async diagnose(): Promise<NonFinite | undefined> {
    return this.lastInput && this.diagnoseRun(await this.state.read('previous'), this.lastInput);
  }

  async dispose(): Promise<void> {
    // In this order: a buffer given back after its last session takes the process down (onnxruntime-node 1.30).
    await this.state.dispose();
    await this.session.release();
  }
}
