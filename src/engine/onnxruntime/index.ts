/** The default engine: a step is traced once, optimised, written as ONNX and run by onnxruntime. */
import type { InferenceSession } from 'onnxruntime-node';
import type { Arrays, CompiledStep, Engine, EngineOptions, Step } from '../engine.js';
import { blockSize } from './blocked/block-size.js';
import { BlockedStep, packState } from './blocked/blocked-step.js';
import { optimise } from './compile.js';
import { OnnxRuntimeStep } from './compiled-step.js';
import { emit } from './emit.js';
import { feedConstants } from './feed-constants.js';
import { INPUT, OUTPUT, STATE, trace } from './recorder.js';
import { loadOnnxRuntime } from './runtime.js';

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
  options: OnnxRuntimeEngineOptions,
): Promise<CompiledStep> {
  const ort = loadOnnxRuntime();
  const block = await blockSize(ort);
  const optimised = optimise(trace(step, example), { ...options, block });
  const { graph, constants } = feedConstants(optimised.graph);
  const session = await ort.InferenceSession.create(emit(graph), sessionOptions(options));
  const named = (prefix: string, names: Iterable<string>): string[] =>
    [...names].filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length));
  const blocked = new Set(named(STATE, optimised.blocked));
  const plain = new OnnxRuntimeStep(
    ort,
    session,
    {
      stateNames: named(STATE, graph.outputs.keys()),
      inputNames: named(INPUT, graph.inputs.keys()),
      outputShapes: new Map(
        named(OUTPUT, graph.outputs.keys()).map((name) => [name, graph.outputs.get(OUTPUT + name)!.shape]),
      ),
      constants,
    },
    packState(copyState(example.state, blocked), blocked, block),
  );
  return blocked.size === 0 ? plain : new BlockedStep(plain, blocked, block);
}

/** The step writes to its state; packing copies what is to be in blocks. */
function copyState(state: Arrays, packed: ReadonlySet<string>): Arrays {
  return Object.fromEntries(
    Object.entries(state).map(([name, { shape, data }]) => [
      name,
      { shape, data: packed.has(name) ? data : data.slice() },
    ]),
  );
}

function sessionOptions({ threads, profile }: OnnxRuntimeEngineOptions): InferenceSession.SessionOptions {
  return {
    executionProviders: ['cpu'],
    ...(threads === undefined ? {} : { intraOpNumThreads: threads }),
    ...(profile === undefined ? {} : { enableProfiling: true, profileFilePrefix: profile }),
    interOpNumThreads: 1,
    executionMode: 'sequential',
    graphOptimizationLevel: 'all',
    logSeverityLevel: 3,
    extra: {
      session: {
        // Vanishing gradients would otherwise be computed with denormals, many times slower.
        set_denormal_as_zero: '1',
        // Idle threads spin just long enough to meet the next operator: on two hyperthreads of one core, longer
        // spinning takes from the thread that works.
        intra_op: { spin_duration_us: '50' },
      },
    },
  };
}
