import type { HostTensor } from '../engine/engine.js';

/**
 * A circular shift, after an optional mirroring, as a permutation matrix P [size, size]: rows of an image move by
 * `P x`, columns by `x transpose(P)`. Element i of the result is element i - shift of the (mirrored) original.
 */
export function shiftMatrix(size: number, shift: number, mirror = false): HostTensor {
  const data = new Float32Array(size * size);
  for (let i = 0; i < size; i++) {
    const from = (((i - shift) % size) + size) % size;
    data[i * size + (mirror ? size - 1 - from : from)] = 1;
  }
  return { shape: [size, size], data };
}
