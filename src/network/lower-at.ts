import { DfkdError } from '../../converters/errors.js';
import type { Model } from '../../converters/model.js';
import { lowerModel, type LowerOptions } from './lower.js';
import type { Network } from './network.js';

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
    if (resolution === undefined) return lowerModel(model, { ...options, batch });
    try {
      return lowerModel(resized(model, resolution), { ...options, batch });
    } catch (error) {
      if (error instanceof DfkdError) return undefined;
      throw error;
    }
  }
  return lower;
}

function resized(model: Model, resolution: readonly [number, number]): Model {
  const { graph } = model;
  const inputs = graph.inputs.map((input) => ({
    ...input,
    shape: [...(input.shape ?? [null, null]).slice(0, 2), ...resolution],
  }));
  return { ...model, graph: { ...graph, inputs } };
}
