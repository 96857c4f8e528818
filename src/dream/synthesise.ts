import type { Model } from '../../converters/model.js';
import type { Engine } from '../engine/engine.js';
import { lowering } from '../network/lower-at.js';
import type { MemoryOptions } from '../open-model.js';
import type { Preprocessing } from '../preprocess.js';
import type { RunControl } from '../progress.js';
import type { Random } from '../random.js';
import { dream, type DreamOptions, type Dreams } from './dream.js';
import type { SynthesisName } from './synthesis.js';

export type SynthesisOptions = DreamOptions & MemoryOptions;

type Synthesise = (
  engine: Engine,
  model: Model,
  preprocessing: Preprocessing,
  options: SynthesisOptions,
  random: Random,
  control: RunControl,
) => Promise<Dreams>;

interface Synthesis {
  /** Images that a run makes as one shard unless told otherwise: what a method sets up for each should pay. */
  readonly shardSize: number;
  readonly make: Synthesise;
}

export const METHODS: Readonly<Record<SynthesisName, Synthesis>> = {
  deepinversion: {
    shardSize: 256,
    make: (engine, model, preprocessing, options, random, control) =>
      dream(engine, lowering(model, options), preprocessing, options, random, control),
  },
};

/**
 * Makes `options.count` images from the teacher alone, or a few more where a method works in whole batches: a function
 * of the model, the options and the stream of random numbers. Throws what the methods throw, and E_INTERRUPTED.
 */
export async function synthesise(
  method: SynthesisName,
  engine: Engine,
  model: Model,
  preprocessing: Preprocessing,
  options: SynthesisOptions,
  random: Random,
  control: RunControl = {},
): Promise<Dreams> {
  return METHODS[method].make(engine, model, preprocessing, options, random, control);
}
