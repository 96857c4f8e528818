import type { Engine } from '../../engine/engine.js';
import type { Network } from '../../network/network.js';
import type { Preprocessing } from '../../preprocess.js';
import type { RunControl } from '../../progress.js';
import type { Random } from '../../random.js';
import type { Dreams } from '../dreams.js';
import { balancedTargets, predictedClasses } from '../targets.js';
import { createLiveSource, type GeneratorOptions } from './live-source.js';

export interface DrawOptions extends GeneratorOptions {
  readonly count: number;
  /** Number of the first image, where these are a part of more; classes follow one another over all. */
  readonly first: number;
}

/** Images are drawn anew up to this often on average, then taken as they come. */
const MOST_TRIES = 4;

/**
 * Trains a generator against the teacher alone, and keeps what it then draws, as far as the teacher sees the class in it
 * that was asked for. It goes on learning meanwhile, so no two batches come from the same one. Throws E_NONFINITE,
 * E_INTERRUPTED.
 * @param network of `options.batch` images
 */
export async function drawDreams(
  engine: Engine,
  network: Network,
  preprocessing: Preprocessing,
  options: DrawOptions,
  random: Random,
  control: RunControl = {},
): Promise<Dreams> {
  const { count, first } = options;
  const { shape } = network.input;
  const plane = shape.slice(1).reduce((product, size) => product * size, 1);
  const targets = balancedTargets(network.output.classes, count, first)(0);
  const images = { shape: [count, ...shape.slice(1)], data: new Float32Array(count * plane) };
  const open = new Map<number, number[]>();
  targets.forEach((target, place) => open.set(target, [...(open.get(target) ?? []), place]));

  const source = await createLiveSource(engine, network, preprocessing, options, random, control);
  try {
    const most = MOST_TRIES * Math.ceil(count / network.batch);
    for (let batch = 0, left = count; left > 0; batch++) {
      const made = await source.draw(network.batch);
      const seen = predictedClasses(made.logits);
      made.targets.forEach((target, i) => {
        if (seen[i] !== target && batch < most) return;
        const place = open.get(target)?.shift();
        if (place === undefined) return;
        images.data.set(made.images.data.subarray(i * plane, (i + 1) * plane), place * plane);
        left--;
      });
    }
  } finally {
    await source.dispose();
  }
  return { images, targets };
}
