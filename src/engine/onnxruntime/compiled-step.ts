/** A step as an onnxruntime session whose state stays in onnxruntime's tensors from run to run. */
import type { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { DfkdError } from '../../../converters/errors.js';
import type { Arrays, CompiledStep, HostTensor } from '../engine.js';
import { outputName } from './emit.js';
import { INPUT, OUTPUT, STATE } from './recorder.js';
import type { OnnxRuntime } from './runtime.js';

type OrtTensors = Record<string, OrtTensor>;

/** Which graph inputs the session kept: one that nothing reads is not fed. */
export interface StepSignature {
  readonly stateNames: readonly string[];
  readonly inputNames: readonly string[];
  readonly outputShapes: ReadonlyMap<string, readonly number[]>;
}

export class OnnxRuntimeStep implements CompiledStep {
  /** The state as it is, and the buffers the next run writes it to: they swap after each run. */
  private current: OrtTensors;
  private next: OrtTensors;
  private readonly outputs: OrtTensors = {};

  constructor(
    private readonly ort: OnnxRuntime,
    private readonly session: InferenceSession,
    private readonly signature: StepSignature,
    state: Arrays,
  ) {
    this.current = this.toTensors(state, (name) => state[name].data.slice());
    this.next = this.toTensors(state, (name) => new Float32Array(state[name].data.length));
    for (const [name, shape] of signature.outputShapes) {
      const size = shape.reduce((product, dim) => product * dim, 1);
      this.outputs[name] = new ort.Tensor('float32', new Float32Array(size), shape);
    }
  }

  private toTensors(arrays: Arrays, data: (name: string) => Float32Array): OrtTensors {
    return Object.fromEntries(
      Object.entries(arrays).map(([name, { shape }]) => [
        name,
        new this.ort.Tensor('float32', data(name), shape),
      ]),
    );
  }

  async run(input: Arrays): Promise<Arrays> {
    const feeds: OrtTensors = {};
    const fetches: OrtTensors = {};
    for (const name of this.signature.stateNames) {
      feeds[STATE + name] = this.current[name];
      fetches[outputName(STATE + name)] = this.next[name];
    }
    for (const name of this.signature.inputNames) {
      const given = input[name] as HostTensor | undefined;
      if (given === undefined) throw new DfkdError('E_INTERNAL', `The step's input '${name}' was not given.`);
      feeds[INPUT + name] = new this.ort.Tensor('float32', given.data, given.shape);
    }
    for (const name of this.signature.outputShapes.keys())
      fetches[outputName(OUTPUT + name)] = this.outputs[name];
    await this.session.run(feeds, fetches);
    [this.current, this.next] = [this.next, this.current];
    return toArrays(this.outputs);
  }

  readState(): Promise<Arrays> {
    return Promise.resolve(
      Object.fromEntries(
        Object.entries(toArrays(this.current)).map(([name, { shape, data }]) => [
          name,
          { shape, data: data.slice() },
        ]),
      ),
    );
  }

  writeState(state: Arrays): Promise<void> {
    for (const [name, { data }] of Object.entries(state)) (this.current[name].data as Float32Array).set(data);
    return Promise.resolve();
  }

  async dispose(): Promise<void> {
    await this.session.release();
  }
}

const toArrays = (tensors: OrtTensors): Arrays =>
  Object.fromEntries(
    Object.entries(tensors).map(([name, { dims, data }]) => [
      name,
      { shape: dims, data: data as Float32Array },
    ]),
  );
