/** From a traced step to the graph that runs: the passes in their order. */
import type { Graph } from './graph.js';
import { filterGradients } from './passes/filter-gradients.js';
import { foldAffine } from './passes/fold-affine.js';
import { hoistScales } from './passes/hoist-scales.js';
import { mergePads } from './passes/merge-pads.js';
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

export function optimise(graph: Graph, without: ReadonlySet<string> = new Set()): Graph {
  const optimised = PASSES.reduce(
    (result, [name, pass]) => (without.has(name) ? result : pass(result)),
    graph,
  );
  // Not an optimisation: onnxruntime has no such operator.
  return simplify(filterGradients(optimised));
}
