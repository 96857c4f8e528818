import type { HostTensor } from '../../engine/engine.js';
import { fromPixelSpace, toPixelSpace, type Preprocessing } from '../../preprocess.js';
import type { Random } from '../../random.js';
import { ImagePool, pooledSource } from '../image-pool.js';
import type { ImageSource } from '../image-source.js';
import type { Draw } from './canvas.js';
import { drawDeadLeaves } from './dead-leaves.js';
import { drawFractal } from './fractals.js';
import { drawTexture } from './textures.js';

/** The kinds of images drawn, as often as they stand here. */
export const DRAWINGS = { drawDeadLeaves, drawFractal, drawTexture };
const KINDS: readonly Draw[] = Object.values(DRAWINGS);

/**
 * Images of no subject, with the statistics of natural ones: colours, edges, and power that falls with the square of the
 * spatial frequency. Image `i` of a stream depends on the stream and `i` alone.
 * @param shape [count, channels, height, width]
 * @param first index of the first image
 * @returns normalised pixel space, within its valid range
 */
export function drawImages(
  shape: readonly number[],
  random: Random,
  first = 0,
  kinds: readonly Draw[] = KINDS,
): HostTensor {
  const [count, channels, height, width] = shape;
  const size = channels * height * width;
  const data = new Float32Array(count * size);
  for (let i = 0; i < count; i++) {
    const image = data.subarray(i * size, (i + 1) * size);
    kinds[(first + i) % kinds.length](
      { channels, height, width, data: image },
      random.split(String(first + i)),
    );
  }
  return { shape, data: data.map(toPixelSpace) };
}

/** Fresh procedural images, as the model takes them: no image comes twice. */
export function createProceduralSource(
  [, ...shape]: readonly number[],
  preprocessing: Preprocessing,
  random: Random,
): ImageSource {
  let drawn = 0;
  return {
    next(size) {
      const images = drawImages([size, ...shape], random, drawn);
      drawn += size;
      return Promise.resolve(fromPixelSpace(images, preprocessing));
    },
  };
}

/** Of a batch's images, those that are drawn for it. */
const NEW = 1 / 4;

/**
 * Procedural images, most of which have been handed out before and are moved: to draw all of them anew took a tenth of
 * distillation's time.
 * @param pool batches whose new images are kept
 * @param shift up to this many pixels
 */
export function createPooledProceduralSource(
  shape: readonly number[],
  preprocessing: Preprocessing,
  { pool, shift }: { readonly pool: number; readonly shift: number },
  random: Random,
): ImageSource {
  const source = createProceduralSource(shape, preprocessing, random);
  return pooledSource(source, NEW, new ImagePool(pool, shift, random.split('pool')));
}
