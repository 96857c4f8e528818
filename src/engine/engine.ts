import type * as tf from '@tensorflow/tfjs-core';
import type { Device } from './device.js';

export type Tensors = Readonly<Record<string, tf.Tensor>>;

/**
 * All numeric work is a pure function of this form, written with tfjs ops and `tf.grads`. Randomness, learning rates,
 * offsets and flips are inputs, never constants, so that a step is traced once. The returned state has the same
 * names and shapes as the state passed in. Constants (a teacher's weights) are made inside with `tf.tensor`.
 */
export type Step = (state: Tensors, input: Tensors) => { state: Tensors; output: Tensors };

/** A tensor's elements on the host, row-major float32. */
export interface HostTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}
export type Arrays = Readonly<Record<string, HostTensor>>;

/** The engines by name, the default first. */
export const ENGINES = ['onnxruntime', 'tensorflow'] as const;
export type EngineName = (typeof ENGINES)[number];

export interface Engine {
  readonly name: string;
  /** Traces `step` once on tensors shaped like `example`; the compiled step starts in `example.state`. */
  compile(step: Step, example: { state: Arrays; input: Arrays }): Promise<CompiledStep>;
}

export interface CompiledStep {
  /** One step: updates the state in place on the device, and returns the outputs (valid until the next run). */
  run(input: Arrays): Promise<Arrays>;
  /** Copies the state to the host. */
  readState(): Promise<Arrays>;
  /** Replaces the state, or the named part of it. */
  writeState(state: Arrays): Promise<void>;
  /** After a run that gave NaN or infinity: what in it was the first to. Undefined where that cannot be found. */
  diagnose(): Promise<NonFinite | undefined>;
  dispose(): Promise<void>;
}

/** Where a NaN or an infinity came from. */
export interface NonFinite {
  /** Whether it was given to the step, in its state or its input, or computed by it. */
  readonly origin: 'state' | 'input' | 'step';
  /** Of the tensor given; the label of what computed it, or the kernel's name where it has none. */
  readonly name: string;
  /** NaN, Infinity or -Infinity. */
  readonly value: number;
}

export interface EngineOptions {
  /** Threads used inside one operator; default: in onnxruntime `defaultThreads`, in TensorFlow its own choice. */
  readonly threads?: number | undefined;
  /** For onnxruntime; TensorFlow takes the GPU where it has one. Default cpu. */
  readonly device?: Device;
}
