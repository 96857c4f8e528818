import type { HostTensor } from '../engine/engine.js';
import type { Random } from '../random.js';
import { moveImage, takeImages } from './dream-source.js';
import type { ImageSource } from './image-source.js';

/** Batches of images that are used again and again, mirrored at random and shifted by up to `shift` pixels every time. */
export class ImagePool {
  private readonly batches: HostTensor[] = [];

  /** @param capacity batches kept; the oldest leaves when another comes */
  constructor(
    private readonly capacity: number,
    private readonly shift: number,
    private readonly random: Random,
  ) {}

  /** Images [count, channels, height, width]. */
  keep(images: HostTensor): void {
    this.batches.push(images);
    if (this.batches.length > this.capacity) this.batches.shift();
  }

  /** The first `fresh` images of the newest batch, and others at random. At least one batch must have been kept. */
  take(size: number, fresh = 0): HostTensor {
    const { batches, random } = this;
    const newest = batches[batches.length - 1];
    const plane = newest.data.length / newest.shape[0];
    const taken = { shape: [size, ...newest.shape.slice(1)], data: new Float32Array(size * plane) };
    const offset = () => random.integer(2 * this.shift + 1) - this.shift;
    for (let i = 0; i < size; i++) {
      const from = i < fresh ? newest : batches[random.integer(batches.length)];
      const index = i < fresh ? i : random.integer(from.shape[0]);
      taken.data.set(takeImages(from, [index]).data, i * plane);
      moveImage(taken, i, offset(), offset(), random.integer(2) === 1);
    }
    return taken;
  }
}

/** Of every batch `share`, rounded up to whole images, is new from `source`, which is dear; the others come from the pool. */
export function pooledSource(source: ImageSource, share: number, pool: ImagePool): ImageSource {
  return {
    async next(size) {
      const fresh = await source.next(Math.ceil(share * size));
      pool.keep(fresh);
      return pool.take(size, fresh.shape[0]);
    },
  };
}
