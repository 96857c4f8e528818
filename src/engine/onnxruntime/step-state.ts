/** Where a compiled step keeps its state from run to run. */
import type { Tensor as OrtTensor } from 'onnxruntime-node';
import type { Arrays } from '../engine.js';
import { copy } from '../host-tensor.js';
import { emit, outputName } from './emit.js';
import { Graph } from './graph.js';
import type { OnnxRuntime } from './runtime.js';
import { createSession, type Session } from './session.js';
import { sizeOf } from './value.js';

export type OrtTensors = Readonly<Record<string, OrtTensor>>;

export interface StepState {
  /** What the next run reads. */
  readonly current: OrtTensors;
  /** What the next run writes to; null where onnxruntime makes the tensor. */
  readonly targets: Readonly<Record<string, OrtTensor | null>>;
  /** After a run, with the state it returned. */
  advance(next: OrtTensors): void;
  /** Copies the current state to the host, or the one that the last run read. */
  read(which?: 'current' | 'previous'): Promise<Arrays>;
  /** Replaces the current state, or the named part of it, by a copy. */
  write(state: Arrays): void;
  dispose(): Promise<void>;
}

/**
 * In memory of the host, where runs write into given tensors: two buffers for what a run changes, whose roles swap after
 * each run, and one for what it only reads.
 */
export class HostState implements StepState {
  current: OrtTensors;
  private written: OrtTensors | undefined;

  /**
   * @param state becomes its own: runs write into these arrays
   * @param changed names of the entries that a run computes
   */
  constructor(
    private readonly ort: OnnxRuntime,
    state: Arrays,
    private readonly changed: readonly string[],
  ) {
    this.current = toTensors(ort, state);
  }

  /** Not made before the first use: by then the memory of what compiling left behind may be free. */
  get targets(): OrtTensors {
    const blank = ({ dims }: OrtTensor) =>
      new this.ort.Tensor('float32', new Float32Array(sizeOf(dims)), dims);
    this.written ??= Object.fromEntries(this.changed.map((name) => [name, blank(this.current[name])]));
    return this.written;
  }

  advance(next: OrtTensors): void {
    const { current, targets } = this;
    // onnxruntime-node 1.30 copies what it has written into given memory: the copies would wait for the collector.
    const copies = Object.entries(next).filter(([name, { data }]) => data !== targets[name].data);
    structuredClone(null, { transfer: copies.map(([, tensor]) => dataOf(tensor).buffer as ArrayBuffer) });
    this.written = Object.fromEntries(this.changed.map((name) => [name, current[name]]));
    this.current = { ...current, ...targets };
  }

  read(which: 'current' | 'previous' = 'current'): Promise<Arrays> {
    const read = which === 'current' ? this.current : { ...this.current, ...this.targets };
    return Promise.resolve(copyArrays(toArrays(read)));
  }

  write(state: Arrays): void {
    for (const [name, { data }] of Object.entries(state)) dataOf(this.current[name]).set(data);
  }

  dispose(): Promise<void> {
    return Promise.resolve();
  }
}

const dataOf = ({ data }: OrtTensor): Float32Array => data as Float32Array;

/**
 * In WebGPU buffers. onnxruntime-node 1.30 takes them as inputs and returns them as outputs, but does not write into
 * given ones, and to download one (`getData`) aborts the process; a session that copies its inputs to the host does it.
 */
export class GpuState implements StepState {
  current: OrtTensors;
  readonly targets: Readonly<Record<string, null>>;
  private previous: OrtTensors = {};
  private download: Promise<Session> | undefined;

  /** @param state becomes its own; it begins on the host, the first run takes it along */
  constructor(
    private readonly ort: OnnxRuntime,
    state: Arrays,
  ) {
    this.current = toTensors(ort, state);
    this.targets = Object.fromEntries(Object.keys(state).map((name) => [name, null]));
  }

  advance(next: OrtTensors): void {
    disposeTensors(this.previous);
    this.previous = this.current;
    this.current = next;
  }

  async read(which: 'current' | 'previous' = 'current'): Promise<Arrays> {
    this.download ??= createSession(emit(copyGraph(this.current)), { device: 'webgpu' });
    const results = (await (await this.download).run(this[which])) as OrtTensors;
    const named = Object.keys(this.current).map((name): [string, OrtTensor] => [
      name,
      results[outputName(name)],
    ]);
    return toArrays(Object.fromEntries(named));
  }

  write(state: Arrays): void {
    const written = toTensors(this.ort, copyArrays(state));
    disposeTensors(Object.fromEntries(Object.keys(written).map((name) => [name, this.current[name]])));
    this.current = { ...this.current, ...written };
  }

  async dispose(): Promise<void> {
    disposeTensors(this.previous);
    disposeTensors(this.current);
    await (await this.download)?.release();
  }
}

const copyArrays = (arrays: Arrays): Arrays =>
  Object.fromEntries(Object.entries(arrays).map(([name, array]) => [name, copy(array)]));

function copyGraph(tensors: OrtTensors): Graph {
  const graph = new Graph();
  for (const [name, { dims }] of Object.entries(tensors)) graph.outputs.set(name, graph.input(name, dims));
  return graph;
}

function disposeTensors(tensors: OrtTensors): void {
  for (const tensor of Object.values(tensors)) if (tensor.location === 'gpu-buffer') tensor.dispose();
}

function toTensors(ort: OnnxRuntime, arrays: Arrays): OrtTensors {
  const tensors = Object.entries(arrays).map(([name, { shape, data }]) => [
    name,
    new ort.Tensor('float32', data, shape),
  ]);
  return Object.fromEntries(tensors) as OrtTensors;
}

export const toArrays = (tensors: OrtTensors): Arrays =>
  Object.fromEntries(
    Object.entries(tensors).map(([name, { dims, data }]) => [
      name,
      { shape: dims, data: data as Float32Array },
    ]),
  );
