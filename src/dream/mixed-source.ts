import type { HostTensor } from '../engine/engine.js';
import type { Random } from '../random.js';
import { createDreamSource, joinImages } from './dream-source.js';
import type { ImageSource } from './image-source.js';

/** Of each batch, what comes from images of the user's: a few dozen of them must not be all that the student learns. */
const SHARE = 1 / 4;

/**
 * A source with images of the user's, [count, channels, height, width] as the model takes them, in every batch; mirrored at
 * random and shifted by up to `shift` pixels like stored dreams.
 */
export function mixedSource(
  synthesised: ImageSource,
  images: HostTensor,
  shift: number,
  random: Random,
): ImageSource {
  const given = createDreamSource({ images, targets: [] }, shift, random);
  return {
    ...synthesised,
    async next(size) {
      const own = Math.round(SHARE * size);
      return joinImages(await synthesised.next(size - own), await given.next(own));
    },
  };
}
