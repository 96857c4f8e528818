/** The default engine: a step is traced once, optimised, written as ONNX and run by onnxruntime. */
import type { Device } from '../device.js';
import type { Arrays, CompiledStep, Engine, EngineOptions, Step } from '../engine.js';
import { optimise } from './compile.js';
import { OnnxRuntimeStep } from './compiled-step.js';
import { diagnose } from './diagnose.js';
import { emit, outputName } from './emit.js';
import { INPUT, OUTPUT, STATE, trace } from './recorder.js';
import { loadOnnxRuntime } from './runtime.js';
import { createSession } from './session.js';
import { GpuState, HostState } from './step-state.js';

export interface OnnxRuntimeEngineOptions extends EngineOptions {
  /** Default cpu. */
  readonly device?: Device;
  /** Names of compiler passes to leave out, for measuring what each buys. */
  readonly withoutPasses?: ReadonlySet<string>;
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
  { device = 'cpu', threads, withoutPasses }: OnnxRuntimeEngineOptions,
): Promise<CompiledStep> {
  const graph = optimise(trace(step, example), { device, without: withoutPasses });
  const named = (prefix: string, names: Iterable<string>): string[] =>
    [...names].filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length));
  const stateNames = named(STATE, graph.outputs.keys());
  // Only WebGPU's memory is open to onnxruntime-node; to and from other devices the state travels with every run.
  const staysOnDevice = device === 'webgpu';
  const session = await createSession(emit(graph), {
    device,
    threads,
    onDevice: staysOnDevice ? stateNames.map((name) => outputName(STATE + name)) : [],
  });
  const ort = loadOnnxRuntime();
  return new OnnxRuntimeStep(
    ort,
    session,
    {
      stateNames,
      inputNames: named(INPUT, graph.inputs.keys()),
      outputNames: named(OUTPUT, graph.outputs.keys()),
    },
    staysOnDevice ? new GpuState(ort, example.state) : new HostState(ort, example.state),
    (state, input) => diagnose(step, state, input),
  );
}
