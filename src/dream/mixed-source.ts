import { joinImages } from './dream-source.js';
import type { ImageSource } from './image-source.js';

/** `main` with `share` of every batch, rounded to whole images, from another source, which need not follow the student. */
export function mixedSource(main: ImageSource, other: ImageSource, share: number): ImageSource {
  return {
    ...main,
    async next(size) {
      const few = Math.round(share * size);
      return joinImages(await main.next(size - few), await other.next(few));
    },
  };
}
