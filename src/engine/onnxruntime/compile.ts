/** From a traced step to the graph that runs: the passes in their order. */
import type { Graph } from './graph.js';
import { blockedLayout } from './blocked/index.js';
import { blockState, type BlockedState } from './blocked/state.js';
import { filterGradients } from './passes/filter-gradients.js';
import { foldAffine } from './passes/fold-affine.js';
import { hoistScales } from './passes/hoist-scales.js';
import { mergePads } from './passes/merge-pads.js';
import { flatScalars } from './passes/flat-scalars.js';
import { lowerFilters } from './passes/lower-filters.js';
import { reluMask } from './passes/relu-mask.js';
import { simplify } from './passes/simplify.js';
import { sinkTransposes } from './passes/sink-transposes.js';
import { stridedSlices } from './passes/strided-slices.js';

type Pass = (graph: Graph) => Graph;

/** The passes in their order, each by name, so that a benchmark can leave one out. */
const PASSES: readonly (readonly [string, Pass])[] = [
  ['simplify', simplify],
  ['sink-transposes', sinkTransposes],
  ['simplify', simplify],
  ['merge-pads', mergePads],
  ['fold-affine', foldAffine],
  ['simplify', simplify],
  ['hoist-scales', hoistScales],
  ['simplify', simplify],
  ['hoist-scales', hoistScales],
  ['simplify', simplify],
  ['relu-mask', reluMask],
  ['strided-slices', stridedSlices],
  ['simplify', simplify],
];

export interface CompileOptions {
  /** Channels per block of the blocked layout; 0 where the device has none. */
  readonly block?: number;
  /** Names of passes to leave out, for measuring what each buys. */
  readonly withoutPasses?: ReadonlySet<string>;
}

export function optimise(graph: Graph, options: CompileOptions = {}): BlockedState {
  const { block = 0, withoutPasses: without = new Set() } = options;
  const plain = PASSES.reduce((result, [name, pass]) => (without.has(name) ? result : pass(result)), graph);
  const optimised =
    block === 0 || without.has('blocked-layout')
      ? { graph: plain, blocked: new Set<string>() }
      : blockState(blockedLayout(plain, block), block);
  // Not optimisations: onnxruntime has no such operators.
  const lowered = simplify(lowerFilters(filterGradients(optimised.graph)));
  return { ...optimised, graph: without.has('flat-scalars') ? lowered : flatScalars(lowered) };
}
