/** From a traced step to the graph that runs: the passes in their order. */
import type { Device } from '../device.js';
import type { Graph } from './graph.js';
import { blockedLayout } from './blocked/index.js';
import { blockState, type BlockedState } from './blocked/state.js';
import { filterGradients } from './passes/filter-gradients.js';
import { foldAffine } from './passes/fold-affine.js';
import { hoistScales } from './passes/hoist-scales.js';
import { maxPoolGradients } from './passes/max-pool-gradients.js';
import { mergePads } from './passes/merge-pads.js';
import { flatScalars } from './passes/flat-scalars.js';
import { lowerFilters } from './passes/lower-filters.js';
import { reluMask } from './passes/relu-mask.js';
import { simplify } from './passes/simplify.js';
import { sinkTransposes } from './passes/sink-transposes.js';
import { splitReductions } from './passes/split-reductions.js';
import { standardOperators } from './passes/standard-operators.js';
import { stridedSlices } from './passes/strided-slices.js';

type Pass = (graph: Graph) => Graph;

/** The passes in their order, each by name, so that a benchmark can leave one out. */
const PASSES: readonly (readonly [string, Pass])[] = [
  ['simplify', simplify],
  ['sink-transposes', sinkTransposes],
  ['simplify', simplify],
  ['merge-pads', mergePads],
  ['fold-affine', foldAffine],
  ['hoist-scales', hoistScales],
  ['simplify', simplify],
  ['relu-mask', reluMask],
  ['strided-slices', stridedSlices],
];

/** Providers with kernels for onnxruntime's contributed operators, and for the indices of max pools. */
const COMPLETE: readonly Device[] = ['cpu', 'cuda', 'dml'];

export interface CompileOptions {
  /** Operators that only some providers have depend on it. Default cpu. */
  readonly device?: Device;
  /** Channels per block of the cpu's blocked layout; 0 where there is none. */
  readonly block?: number;
  /** Names of passes to leave out, for measuring what each buys. */
  readonly withoutPasses?: ReadonlySet<string> | undefined;
}

export function optimise(graph: Graph, options: CompileOptions = {}): BlockedState {
  const { device = 'cpu', block = 0, withoutPasses: without = new Set() } = options;
  const plain = PASSES.reduce((result, [name, pass]) => (without.has(name) ? result : pass(result)), graph);
  const optimised =
    block === 0 || without.has('blocked-layout')
      ? { graph: plain, blocked: new Set<string>() }
      : blockState(blockedLayout(plain, block), block);
  const lowered = lower(optimised.graph);
  // What the device lacks.
  const standard = COMPLETE.includes(device)
    ? lowered
    : splitReductions(standardOperators(maxPoolGradients(lowered)));
  const simple = simplify(standard);
  return { ...optimised, graph: without.has('flat-scalars') ? simple : flatScalars(simple) };
}

/** Not an optimisation: what the graph has one operator for, and onnxruntime needs several. */
export const lower = (graph: Graph): Graph => lowerFilters(filterGradients(graph));
