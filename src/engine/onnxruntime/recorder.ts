/**
 * A tfjs backend whose kernels record instead of computing: tfjs' own ops and gradients run on it unchanged, and what
 * they would have computed ends up as a Graph.
 */
import * as tf from '@tensorflow/tfjs-core';
import '#tfjs-gradients';
import { withBackend } from '../backend.js';
import type { Arrays, Step, Tensors } from '../engine.js';
import { observeKernels, type Observe } from '../labels.js';
import { Graph } from './graph.js';
import type { ConstantData, Value } from './value.js';
import { convolution } from './kernels/convolution.js';
import { elementwise } from './kernels/elementwise.js';
import type { KernelTable } from './kernels/kernel.js';
import { pooling } from './kernels/pooling.js';
import { reduction } from './kernels/reduction.js';
import { shaping } from './kernels/shaping.js';

const BACKEND = 'onnx-recorder';
const KERNELS: KernelTable = { ...elementwise, ...shaping, ...reduction, ...convolution, ...pooling };

class Recorder extends tf.KernelBackend {
  graph = new Graph();
  private readonly values = new WeakMap<object, Value>();

  /** Wraps a recorded value as what tfjs makes tensors of. */
  info(value: Value): tf.TensorInfo {
    const dataId = {};
    this.values.set(dataId, value);
    if (value.type === 'int64') throw new Error('int64 values stay inside the graph');
    return { dataId, shape: [...value.shape], dtype: value.type };
  }

  /** The recorded value behind a tensor, in that tensor's shape (tfjs reshapes some tensors without a kernel). */
  value({ dataId, shape }: tf.TensorInfo): Value {
    const value = this.values.get(dataId);
    if (value === undefined) throw new Error('a tensor made outside the step cannot be used inside it');
    return this.graph.reshape(value, shape);
  }

  override write(values: tf.BackendValues, shape: number[], dtype: tf.DataType): tf.DataId {
    if (dtype !== 'float32' && dtype !== 'int32' && dtype !== 'bool')
      throw new Error(`${dtype} tensors cannot be recorded`);
    return this.info(this.graph.constant(values as ConstantData, shape, dtype)).dataId;
  }

  override readSync(): never {
    throw new Error('a step must not read the values of tensors');
  }
  override read(): never {
    return this.readSync();
  }
  override disposeData(): boolean {
    return true;
  }
  override incRef(): void {
    // Values live as long as their graph.
  }
  override refCount(): number {
    return 1;
  }
  override numDataIds(): number {
    return 0;
  }
  override memory(): { unreliable: boolean } {
    return { unreliable: true };
  }
  override floatPrecision(): 32 {
    return 32;
  }
  override epsilon(): number {
    return 1e-7;
  }
}

const recorder = new Recorder();
tf.registerBackend(BACKEND, () => recorder);
for (const [kernelName, record] of Object.entries(KERNELS)) {
  tf.registerKernel({
    kernelName,
    backendName: BACKEND,
    kernelFunc: ({ inputs, attrs }) => {
      const operands: Record<string, Value> = {};
      for (const [name, tensor] of Object.entries(inputs)) {
        // Optional inputs are listed as undefined.
        if (tensor !== undefined) operands[name] = recorder.value(tensor);
      }
      const result = record(recorder.graph, operands, attrs ?? {});
      return Array.isArray(result)
        ? result.map((value: Value) => recorder.info(value))
        : recorder.info(result as Value);
    },
  });
}

export const STATE = 'state:';
export const INPUT = 'input:';
export const OUTPUT = 'output:';

const withValues =
  (observe: ObserveRecord): Observe =>
  (kernel, outputs, label) => {
    const values = outputs.map((output) => recorder.value(output));
    observe(kernel, values, label);
  };

/** Called for each kernel with what it recorded, and the label it ran under. */
export type ObserveRecord = (kernel: string, values: readonly Value[], label: string | undefined) => void;

/** Runs the step once on recorded tensors. Graph inputs are `state:name` and `input:name`, outputs `state:name` and `output:name`. */
export function trace(step: Step, example: { state: Arrays; input: Arrays }, observe?: ObserveRecord): Graph {
  return withBackend(BACKEND, () => {
    const graph = (recorder.graph = new Graph());
    tf.engine().startScope('trace');
    try {
      const tensors = (prefix: string, arrays: Arrays): Tensors =>
        Object.fromEntries(
          Object.entries(arrays).map(([name, { shape }]) => {
            const info = recorder.info(graph.input(prefix + name, shape));
            return [name, tf.engine().makeTensorFromTensorInfo(info)];
          }),
        );
      const run = () => step(tensors(STATE, example.state), tensors(INPUT, example.input));
      const result = observe ? observeKernels(tf, withValues(observe), run) : run();
      for (const [name, tensor] of Object.entries(result.state))
        graph.outputs.set(STATE + name, recorder.value(tensor));
      for (const [name, tensor] of Object.entries(result.output))
        graph.outputs.set(OUTPUT + name, recorder.value(tensor));
    } finally {
      tf.engine().endScope();
      recorder.graph = new Graph();
    }
    return graph;
  });
}
