/** From a traced step to the graph that runs: the passes in their order. */
import type { Device } from '../device.js';
import type { Graph } from './graph.js';
import { filterGradients } from './passes/filter-gradients.js';
import { foldAffine } from './passes/fold-affine.js';
import { hoistScales } from './passes/hoist-scales.js';
import { maxPoolGradients } from './passes/max-pool-gradients.js';
import { mergePads } from './passes/merge-pads.js';
import { reluMask } from './passes/relu-mask.js';
import { simplify } from './passes/simplify.js';
import { sinkTransposes } from './passes/sink-transposes.js';
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
  ['simplify', simplify],
  ['hoist-scales', hoistScales],
  ['simplify', simplify],
  ['hoist-scales', hoistScales],
  ['simplify', simplify],
  ['relu-mask', reluMask],
  ['strided-slices', stridedSlices],
  ['simplify', simplify],
];

/** Providers with kernels for onnxruntime's contributed operators, and for the indices of max pools. */
const COMPLETE: readonly Device[] = ['cpu', 'cuda', 'dml'];

export interface OptimiseOptions {
  /** Operators and layouts that only some providers have, or that only pay on some, depend on it. */
  readonly device?: Device;
  /** Names of passes to leave out. */
  readonly without?: ReadonlySet<string> | undefined;
}

export function optimise(graph: Graph, { device = 'cpu', without = new Set() }: OptimiseOptions = {}): Graph {
  const optimised = PASSES.reduce(
    (result, [name, pass]) => (without.has(name) ? result : pass(result)),
    graph,
  );
  // Not optimisations: onnxruntime, or the device, has no such operators.
  const lowered = filterGradients(optimised);
  return simplify(COMPLETE.includes(device) ? lowered : standardOperators(maxPoolGradients(lowered)));
}
