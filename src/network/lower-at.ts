import { DfkdError } from '../../converters/errors.js';
import type { Model, Node } from '../../converters/model.js';
import { findLayout } from '../../converters/passes/find-layout.js';
import { lowerModel } from './lower.js';
import type { Network } from './network.js';
import { prepareGraph, type LowerOptions, type PreparedGraph } from './prepare.js';

/** A model's networks: for any batch at its own resolution, and at others where its graph allows that. */
export interface Lowering {
  (batch: number): Network;
  /** Undefined where the graph is made for one resolution: a linear layer on all pixels, pools or shapes of fixed size. */
  (batch: number, resolution: readonly [height: number, width: number]): Network | undefined;
}

/** Throws as `lowerModel` does, at the model's own resolution. */
export function lowering(model: Model, options: Omit<LowerOptions, 'batch'>): Lowering {
  function lower(batch: number): Network;
  function lower(batch: number, resolution?: readonly [number, number]): Network | undefined;
  function lower(batch: number, resolution?: readonly [number, number]): Network | undefined {
    const own = { ...options, batch };
    if (resolution === undefined) return lowerModel(model, own);
    try {
      return lowerModel(resized(model, resolution, own), own);
    } catch (error) {
      if (error instanceof DfkdError) return undefined;
      throw error;
    }
  }
  return lower;
}

function resized(model: Model, [height, width]: readonly [number, number], options: LowerOptions): Model {
  const prepared = prepareGraph(model, options);
  const [batch, ...item] = model.graph.inputs[0].shape ?? [null, null];
  const isLast = findLayout(prepared.graph) === 'NHWC';
  const shape = isLast ? [batch, height, width, item[2]] : [batch, item[0], height, width];
  const inputs = model.graph.inputs.map((input) => ({ ...input, shape }));
  const global = globalPools(prepared);
  const nodes = model.graph.nodes.map((node) =>
    global.has(node.outputs[0]) ? { ...node, opType: 'GlobalAveragePool', attributes: new Map() } : node,
  );
  return { ...model, graph: { ...model.graph, inputs, nodes } };
}

/** The outputs of average pools whose window is the whole map, as exporters write global ones. */
function globalPools({ graph, inference: { shapes, operations } }: PreparedGraph): ReadonlySet<string> {
  const isGlobal = (node: Node): boolean => {
    if (node.opType !== 'AveragePool') return false;
    const { kernel_shape: kernel, pads = [] } = operations.get(node)!.attributes as Record<string, number[]>;
    const [, , ...sizes] = shapes.get(node.inputs[0])!;
    return kernel.every((size, axis) => size === sizes[axis]) && !pads.some((amount) => amount > 0);
  };
  return new Set(graph.nodes.filter(isGlobal).map(({ outputs }) => outputs[0]));
}
