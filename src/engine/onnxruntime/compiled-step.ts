/** A step as an onnxruntime session whose state stays in onnxruntime's tensors from run to run. */
import type { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { DfkdError } from '../../../converters/errors.js';
import type { Arrays, CompiledStep, HostTensor } from '../engine.js';
import { outputName } from './emit.js';
import { INPUT, OUTPUT, STATE } from './recorder.js';
import type { OnnxRuntime } from './runtime.js';
import { sizeOf } from './value.js';

type OrtTensors = Record<string, OrtTensor>;

/** Which graph inputs the session kept: one that nothing reads is not fed. */
export interface StepSignature {
  readonly stateNames: readonly string[];
  readonly inputNames: readonly string[];
  readonly outputShapes: ReadonlyMap<string, readonly number[]>;
  /** Inputs that are the same in every run, by their name in the session. */
  readonly constants: ReadonlyMap<string, HostTensor>;
}

/** What a run reads and writes: made once for each of the two buffers, because a network's state has many tensors. */
interface Binding {
  readonly state: OrtTensors;
  readonly feeds: OrtTensors;
  readonly fetches: OrtTensors;
}

export class OnnxRuntimeStep implements CompiledStep {
  /** The state as it is, and the buffers the next run writes it to: they swap after each run. */
  private current: Binding;
  private next: Binding;
  private readonly outputs: Arrays;

  /** Takes the arrays of `state` over. */
  constructor(
    private readonly ort: OnnxRuntime,
    private readonly session: InferenceSession,
    private readonly signature: StepSignature,
    state: Arrays,
  ) {
    const toTensors = (arrays: Arrays): OrtTensors => mapValues(arrays, (array) => this.toTensor(array));
    const outputs = toTensors(
      mapValues(Object.fromEntries(signature.outputShapes), (shape) => ({
        shape,
        data: new Float32Array(sizeOf(shape)),
      })),
    );
    this.outputs = toArrays(outputs);
    const constants = toTensors(Object.fromEntries(signature.constants));
    const other = mapValues(state, ({ shape, data }) => ({ shape, data: new Float32Array(data.length) }));
    const [first, second] = [toTensors(state), toTensors(other)];
    const bind = (from: OrtTensors, to: OrtTensors): Binding => ({
      state: from,
      feeds: { ...constants, ...rename(select(from, signature.stateNames), (name) => STATE + name) },
      fetches: {
        ...rename(select(to, signature.stateNames), (name) => outputName(STATE + name)),
        ...rename(outputs, (name) => outputName(OUTPUT + name)),
      },
    });
    this.current = bind(first, second);
    this.next = bind(second, first);
  }

  private toTensor({ shape, data }: HostTensor): OrtTensor {
    return new this.ort.Tensor('float32', data, shape);
  }

  async run(input: Arrays): Promise<Arrays> {
    const { feeds, fetches } = this.current;
    for (const name of this.signature.inputNames) {
      const given = input[name] as HostTensor | undefined;
      if (given === undefined) throw new DfkdError('E_INTERNAL', `The step's input '${name}' was not given.`);
      feeds[INPUT + name] = this.toTensor(given);
    }
    await this.session.run(feeds, fetches);
    [this.current, this.next] = [this.next, this.current];
    return this.outputs;
  }

  readState(): Promise<Arrays> {
    return Promise.resolve(
      Object.fromEntries(
        Object.entries(toArrays(this.current.state)).map(([name, { shape, data }]) => [
          name,
          { shape, data: data.slice() },
        ]),
      ),
    );
  }

  writeState(state: Arrays): Promise<void> {
    for (const [name, { data }] of Object.entries(state))
      (this.current.state[name].data as Float32Array).set(data);
    return Promise.resolve();
  }

  async dispose(): Promise<void> {
    await this.session.release();
  }
}

function mapValues<T, U>(record: Readonly<Record<string, T>>, map: (value: T) => U): Record<string, U> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, map(value)]));
}

const select = (tensors: OrtTensors, names: readonly string[]): OrtTensors =>
  Object.fromEntries(names.map((name) => [name, tensors[name]]));

const rename = (tensors: OrtTensors, to: (name: string) => string): OrtTensors =>
  Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [to(name), tensor]));

const toArrays = (tensors: OrtTensors): Arrays =>
  mapValues(tensors, ({ dims, data }) => ({ shape: dims, data: data as Float32Array }));
