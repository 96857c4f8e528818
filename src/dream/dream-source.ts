import type { HostTensor } from '../engine/engine.js';
import type { Random } from '../random.js';
import type { Dreams } from './dreams.js';
import type { ImageSource } from './image-source.js';

/** Splits off `count` dreams at random, for measurements; training never sees them. */
export function holdOut(
  { images, targets }: Dreams,
  count: number,
  random: Random,
): { training: Dreams; measuring: Dreams } {
  const order = random.permutation(targets.length);
  const pick = (indices: number[]) => ({
    images: takeImages(images, indices),
    targets: indices.map((i) => targets[i]),
  });
  return { training: pick(order.slice(count)), measuring: pick(order.slice(0, count)) };
}

/** The images at `indices` of their first dimension. */
export function takeImages({ shape, data }: HostTensor, indices: readonly number[]): HostTensor {
  const plane = data.length / shape[0];
  const taken = new Float32Array(indices.length * plane);
  indices.forEach((from, to) => {
    taken.set(data.subarray(from * plane, (from + 1) * plane), to * plane);
  });
  return { shape: [indices.length, ...shape.slice(1)], data: taken };
}

/** Both, one after the other; of one shape but for their count. */
export function joinImages(a: HostTensor, b: HostTensor): HostTensor {
  const data = new Float32Array(a.data.length + b.data.length);
  data.set(a.data);
  data.set(b.data, a.data.length);
  return { shape: [a.shape[0] + b.shape[0], ...a.shape.slice(1)], data };
}

/** Stored dreams in random order, epoch after epoch, each image mirrored at random and shifted by up to `shift` pixels. */
export function createDreamSource(
  { images }: Pick<Dreams, 'images'>,
  shift: number,
  random: Random,
): ImageSource {
  const count = images.shape[0];
  let order: number[] = [];
  const draw = () => {
    if (order.length === 0) order = random.permutation(count);
    return order.pop()!;
  };
  return {
    next(size) {
      const batch = takeImages(images, Array.from({ length: size }, draw));
      for (let i = 0; i < size; i++) {
        const offset = () => random.integer(2 * shift + 1) - shift;
        moveImage(batch, i, offset(), offset(), random.integer(2) === 1);
      }
      return Promise.resolve(batch);
    },
  };
}

/** Shifts image `index` circularly by whole pixels, in place, after mirroring it left to right where asked. */
export function moveImage(
  { shape: [, channels, height, width], data }: HostTensor,
  index: number,
  down: number,
  across: number,
  mirror: boolean,
): void {
  const size = channels * height * width;
  const original = data.slice(index * size, (index + 1) * size);
  const columns = Array.from({ length: width }, (_, x) => {
    const from = (x - across + width) % width;
    return mirror ? width - 1 - from : from;
  });
  let at = index * size;
  for (let c = 0; c < channels; c++) {
    for (let y = 0; y < height; y++) {
      const row = (c * height + ((y - down + height) % height)) * width;
      for (let x = 0; x < width; x++) data[at++] = original[row + columns[x]];
    }
  }
}
