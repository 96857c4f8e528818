import type { HostTensor } from '../engine/engine.js';
import type { Random } from '../random.js';
import { createDreamSource, joinImages } from './dream-source.js';
import type { ImageSource } from './image-source.js';

export interface MixOptions {
  /** Of each batch, what the stored images are; rounded to whole images. */
  readonly share: number;
  /** They are shifted by up to this many pixels whenever they are used. */
  readonly shift: number;
}

/**
 * A source with stored images, [count, channels, height, width] as the model takes them, in every batch; mirrored at random
 * and shifted like stored dreams.
 */
export function mixedSource(
  synthesised: ImageSource,
  images: HostTensor,
  { share, shift }: MixOptions,
  random: Random,
): ImageSource {
  const given = createDreamSource({ images, targets: [] }, shift, random);
  return {
    ...synthesised,
    async next(size) {
      const own = Math.round(share * size);
      return joinImages(await synthesised.next(size - own), await given.next(own));
    },
  };
}
