/** The default engine: a step is traced once, optimised, written as ONNX and run by onnxruntime. */
import type { Arrays, CompiledStep, Engine, EngineOptions, HostTensor, Step } from '../engine.js';
import { blockSize } from './blocked/block-size.js';
import { BlockedStep, packState, unpackState } from './blocked/blocked-step.js';
import { optimise } from './compile.js';
import { type Diagnose, OnnxRuntimeStep } from './compiled-step.js';
import { diagnose } from './diagnose.js';
import { emit, outputName } from './emit.js';
import { feedConstants } from './feed-constants.js';
import type { Graph } from './graph.js';
import { INPUT, OUTPUT, STATE, trace } from './recorder.js';
import { loadOnnxRuntime } from './runtime.js';
import { createSession } from './session.js';
import { GpuState, HostState } from './step-state.js';

export interface OnnxRuntimeEngineOptions extends EngineOptions {
  /** Names of compiler passes to leave out, for measuring what each buys. */
  readonly withoutPasses?: ReadonlySet<string>;
  /** Where onnxruntime's profile of each step goes when it is disposed of: the path that its file's name begins with. */
  readonly profile?: string | undefined;
}

export function createOnnxRuntimeEngine(options: OnnxRuntimeEngineOptions = {}): Engine {
  return {
    name: 'onnxruntime',
    compile: (step, example) => compileStep(step, example, options),
  };
}

async function compileStep(
  step: Step,
  example: { state: Arrays; input: Arrays },
  { device = 'cpu', threads, withoutPasses, profile }: OnnxRuntimeEngineOptions,
): Promise<CompiledStep> {
  const ort = loadOnnxRuntime();
  const block = device === 'cpu' ? await blockSize(ort) : 0;
  const optimised = optimise(trace(step, example), { device, block, withoutPasses });
  // Only the cpu reads them where they are.
  const { graph, constants } =
    device === 'cpu'
      ? feedConstants(optimised.graph)
      : { graph: optimised.graph, constants: new Map<string, HostTensor>() };
  // Only WebGPU's memory is open to onnxruntime-node; to and from other devices the state travels with every run.
  const staysOnDevice = device === 'webgpu';
  const named = (prefix: string, names: Iterable<string>): string[] =>
    [...names].filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length));
  const stateNames = named(STATE, graph.outputs.keys());
  // GpuState keeps only what a run returns.
  if (!staysOnDevice) dropUnchanged(graph);
  const changed = named(STATE, graph.outputs.keys());
  const session = await createSession(emit(graph), {
    device,
    threads,
    blocked: block > 0,
    profile,
    onDevice: staysOnDevice ? changed.map((name) => outputName(STATE + name)) : [],
  });
  const blocked = new Set(named(STATE, optimised.blocked));
  const state = packState(example.state, blocked, block);
  const plain = new OnnxRuntimeStep(
    ort,
    session,
    {
      stateNames,
      changed,
      inputNames: named(INPUT, graph.inputs.keys()),
      outputNames: named(OUTPUT, graph.outputs.keys()),
      constants,
    },
    staysOnDevice ? new GpuState(ort, state) : new HostState(ort, state, changed),
    diagnosis(step, blocked, block),
  );
  return blocked.size === 0 ? plain : new BlockedStep(plain, blocked, block);
}

/** Takes away the outputs that are state as it came: masks, a student that is only looked at. */
function dropUnchanged({ inputs, outputs }: Graph): void {
  for (const [name, value] of outputs) {
    if (name.startsWith(STATE) && inputs.get(name) === value) outputs.delete(name);
  }
}

/** A function of its own, for what it makes lives as long as the step and keeps all that is within reach of it. */
const diagnosis =
  (step: Step, blocked: ReadonlySet<string>, block: number): Diagnose =>
  (before, input) =>
    diagnose(step, unpackState(before, blocked, block), input);
