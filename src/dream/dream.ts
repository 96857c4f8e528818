import type { Engine } from '../engine/engine.js';
import type { Lowering } from '../network/lower-at.js';
import type { Preprocessing } from '../preprocess.js';
import type { RunControl } from '../progress.js';
import type { Random } from '../random.js';
import type { Dreams } from './dreams.js';
import { createInversion, type InversionOptions } from './inversion.js';

export type { Dreams } from './dreams.js';

export interface DreamOptions extends InversionOptions {
  /** Images wanted, rounded up to whole batches; 0 prepares the step and makes none. */
  readonly count: number;
}

/** Synthesises images from the teacher alone, batch after batch, by DeepInversion (arXiv 1912.08795). */
export async function dream(
  engine: Engine,
  lower: Lowering,
  preprocessing: Preprocessing,
  options: DreamOptions,
  random: Random,
  control: RunControl = {},
): Promise<Dreams> {
  const inversion = await createInversion(engine, lower, preprocessing, options, random, control);
  try {
    const { batch } = inversion;
    const batches = Math.ceil(options.count / batch);
    const item = lower(batch).input.shape.slice(1);
    const plane = item.reduce((product, size) => product * size, 1);
    const images = { shape: [batches * batch, ...item], data: new Float32Array(batches * batch * plane) };
    const targets: number[] = [];
    for (let index = 0; index < batches; index++) {
      const place = { before: index * options.iterations, steps: batches * options.iterations };
      const made = await inversion.dream(index, place);
      images.data.set(made.images.data, index * batch * plane);
      targets.push(...made.targets);
    }
    return { images, targets };
  } finally {
    await inversion.dispose();
  }
}
