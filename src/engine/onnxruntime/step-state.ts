/** Where a compiled step keeps its state from run to run. */
import type { Tensor as OrtTensor } from 'onnxruntime-node';
import type { Arrays, HostTensor } from '../engine.js';
import { emit, outputName } from './emit.js';
import { Graph } from './graph.js';
import type { OnnxRuntime } from './runtime.js';
import { createSession, type Session } from './session.js';

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

interface HostView {
  readonly current: OrtTensors;
  readonly targets: OrtTensors;
}

/**
 * In memory of the host, where runs write into given tensors: two buffers for what a run changes, whose roles swap after
 * each run, and one for what it only reads.
 */
export class HostState implements StepState {
  /** Where the next run reads and writes, and where the one after it does. */
  private views: readonly [HostView, HostView];

  /**
   * @param state becomes its own: runs write into these arrays
   * @param changed names of the entries that a run changes
   */
  constructor(ort: OnnxRuntime, state: Arrays, changed: readonly string[]) {
    const current = toTensors(ort, state);
    const blank = changed.map((name): [string, HostTensor] => {
      const { shape, data } = state[name];
      return [name, { shape, data: new Float32Array(data.length) }];
    });
    const targets = toTensors(ort, Object.fromEntries(blank));
    const written = Object.fromEntries(changed.map((name) => [name, current[name]]));
    this.views = [
      { current, targets },
      { current: { ...current, ...targets }, targets: written },
    ];
  }

  get current(): OrtTensors {
    return this.views[0].current;
  }

  get targets(): OrtTensors {
    return this.views[0].targets;
  }

  advance(): void {
    this.views = [this.views[1], this.views[0]];
  }

  read(which: 'current' | 'previous' = 'current'): Promise<Arrays> {
    return Promise.resolve(copyArrays(toArrays(this.views[which === 'current' ? 0 : 1].current)));
  }

  write(state: Arrays): void {
    for (const [name, { data }] of Object.entries(state)) (this.current[name].data as Float32Array).set(data);
  }

  dispose(): Promise<void> {
    return Promise.resolve();
  }
}

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
  Object.fromEntries(
    Object.entries(arrays).map(([name, { shape, data }]) => [name, { shape, data: data.slice() }]),
  );

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
