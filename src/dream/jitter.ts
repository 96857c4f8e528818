import type { HostTensor } from '../engine/engine.js';

/**
 * Optional mirroring, then a circular shift, as one permutation matrix P [size, size]: rows of an image move by `P x`,
 * columns by `x transpose(P)`. Element i of the result is element i - shift of the (mirrored) original.
 */
export function shiftMatrix(size: number, shift: number, mirror = false): HostTensor {
  const data = new Float32Array(size * size);
  for (let i = 0; i < size; i++) {
    const moved = (((i - shift) % size) + size) % size;
    data[i * size + (mirror ? size - 1 - moved : moved)] = 1;
  }
  return { shape: [size, size], data };
}

/** Images enlarged to the height and width of `shape` [count, channels, height, width] by nearest neighbours. */
export function enlarge(
  { shape: [, , height, width], data }: HostTensor,
  shape: readonly number[],
): HostTensor {
  const [count, channels, toHeight, toWidth] = shape;
  const enlarged = new Float32Array(count * channels * toHeight * toWidth);
  const columns = Array.from({ length: toWidth }, (_, x) => Math.floor((x * width) / toWidth));
  let at = 0;
  for (let plane = 0; plane < count * channels; plane++) {
    for (let y = 0; y < toHeight; y++) {
      const row = (plane * height + Math.floor((y * height) / toHeight)) * width;
      for (const x of columns) enlarged[at++] = data[row + x];
    }
  }
  return { shape, data: enlarged };
}

/** The `size` elements from `start` on of `from`, mirrored where asked, as a matrix [size, from]. */
export function windowMatrix(size: number, from: number, start: number, mirror = false): HostTensor {
  const data = new Float32Array(size * from);
  for (let i = 0; i < size; i++) data[i * from + start + (mirror ? size - 1 - i : i)] = 1;
  return { shape: [size, from], data };
}
