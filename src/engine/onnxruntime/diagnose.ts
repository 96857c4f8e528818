/** Finds what first went wrong in a run of a compiled step, by running the step as it was traced with every value watched. */
import type { Tensor as OrtTensor } from 'onnxruntime-node';
import type { Arrays, NonFinite, Step } from '../engine.js';
import { firstNonFinite, nonFiniteOf } from '../non-finite.js';
import { lower } from './compile.js';
import { emit, outputName } from './emit.js';
import type { Graph } from './graph.js';
import { reduce } from './kernels/reduction.js';
import { INPUT, STATE, trace } from './recorder.js';
import { loadOnnxRuntime } from './runtime.js';
import type { Value } from './value.js';

/**
 * Repeats one run on the cpu, from the state it started in. The step is traced again rather than kept, and not optimised:
 * its values are then those of the layers.
 * @returns undefined where every value is finite, as may happen where the run that failed was on another device
 */
export async function diagnose(step: Step, state: Arrays, input: Arrays): Promise<NonFinite | undefined> {
  const given = nonFiniteOf('state', state) ?? nonFiniteOf('input', input);
  if (given !== undefined) return given;

  const watched = new Map<Value, string>();
  const graph = trace(step, { state, input }, (kernel, values, label) => {
    for (const value of values) {
      if (value.type === 'float32' && !watched.has(value)) watched.set(value, label ?? kernel);
    }
  });
  const feeds = { ...prefixed(STATE, state), ...prefixed(INPUT, input) };
  const probes = [...watched.keys()];
  // All values at once would not fit into memory; a sum of zeros is 0, or NaN where there is infinity or NaN among them.
  const sums = probes.map((value) =>
    reduce(graph, 'ReduceSum', graph.elementwise('Mul', [value, graph.scalar(0)]), undefined, false),
  );
  const results = await evaluate(graph, sums, feeds);
  const first = results.findIndex((sum) => firstNonFinite(sum) !== undefined);
  if (first < 0) return undefined;
  const [data] = await evaluate(graph, [probes[first]], feeds);
  return { origin: 'step', name: watched.get(probes[first])!, value: firstNonFinite(data)! };
}

/** What the graph gives for other outputs than its own. */
async function evaluate(graph: Graph, values: readonly Value[], feeds: Arrays): Promise<Float32Array[]> {
  graph.outputs.clear();
  values.forEach((value, index) => graph.outputs.set(String(index), value));
  const { InferenceSession, Tensor } = loadOnnxRuntime();
  const session = await InferenceSession.create(emit(lower(graph)), {
    graphOptimizationLevel: 'disabled',
    logSeverityLevel: 3,
  });
  try {
    const tensors = session.inputNames.map((name): [string, OrtTensor] => [
      name,
      new Tensor('float32', feeds[name].data, feeds[name].shape),
    ]);
    const results = await session.run(Object.fromEntries(tensors));
    return values.map((_, index) => results[outputName(String(index))].data as Float32Array);
  } finally {
    await session.release();
  }
}

const prefixed = (prefix: string, arrays: Arrays): Arrays =>
  Object.fromEntries(Object.entries(arrays).map(([name, array]) => [prefix + name, array]));
