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

interface HostView {
  readonly current: OrtTensors;
  readonly targets: OrtTensors;
}

/**
 * In memory of the host, where runs write into given tensors: two buffers for what a run changes, whose roles swap after
 * each run, and one for what it only reads. An entry that takes another's old value is the second buffer of that other.
 */
export class HostState implements StepState {
  /** Where the next run reads and writes, and where the one after it does. */
  private views: readonly [HostView, HostView] | undefined;
  private readonly given: OrtTensors;

  /**
   * @param state becomes its own: runs write into these arrays
   * @param changed names of the entries that a run computes
   * @param moved by name, the entry of `changed` whose old value it takes, and whose new value is written in its place;
   * where it is missing in `state`, it begins as that entry
   */
  constructor(
    private readonly ort: OnnxRuntime,
    state: Arrays,
    private readonly changed: readonly string[],
    private readonly moved: ReadonlyMap<string, string>,
  ) {
    this.given = toTensors(ort, state);
  }

  /** Not made before the first use: by then the memory of what compiling left behind may be free. */
  private get both(): readonly [HostView, HostView] {
    this.views ??= this.makeViews();
    return this.views;
  }

  private makeViews(): readonly [HostView, HostView] {
    const { given, changed, moved, ort } = this;
    const current = { ...this.ofSources(given), ...given };
    const places = new Map(
      [...moved].map(([name, source]) => [source, given[name] as OrtTensor | undefined]),
    );
    const blank = ({ dims }: OrtTensor) => new ort.Tensor('float32', new Float32Array(sizeOf(dims)), dims);
    const targets = Object.fromEntries(changed.map((name) => [name, places.get(name) ?? blank(given[name])]));
    const written = Object.fromEntries(changed.map((name) => [name, given[name]]));
    return [
      { current, targets },
      { current: { ...current, ...targets, ...this.ofSources(given) }, targets: written },
    ];
  }

  /** For the entries that take others' old values, what `tensors` has of those others. */
  private ofSources(tensors: OrtTensors): OrtTensors {
    return Object.fromEntries([...this.moved].map(([name, source]) => [name, tensors[source]]));
  }

  /** The view with memory of its own for what begins as another entry: where that one's next value goes. */
  private settled({ current, targets }: HostView): HostView {
    return { current: { ...current, ...this.ofSources(targets) }, targets };
  }

  get current(): OrtTensors {
    return this.both[0].current;
  }

  get targets(): OrtTensors {
    return this.both[0].targets;
  }

  advance(next: OrtTensors): void {
    const [view, following] = this.both;
    // onnxruntime-node 1.30 copies what it has written into given memory: the copies would wait for the collector.
    const copies = Object.entries(next).filter(([name, { data }]) => data !== view.targets[name].data);
    structuredClone(null, { transfer: copies.map(([, tensor]) => dataOf(tensor).buffer as ArrayBuffer) });
    this.views = [following, this.settled(view)];
  }

  read(which: 'current' | 'previous' = 'current'): Promise<Arrays> {
    const [{ current }, { current: previous }] = this.both;
    // What the run has written over is told as what took its place.
    const read = which === 'current' ? current : { ...previous, ...this.ofSources(previous) };
    return Promise.resolve(copyArrays(toArrays(read)));
  }

  write(state: Arrays): void {
    const [view, next] = this.both;
    for (const [name, source] of this.moved) {
      if (view.current[name] === view.current[source]) {
        dataOf(view.targets[source]).set(dataOf(view.current[source]));
      }
    }
    this.views = [this.settled(view), next];
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
