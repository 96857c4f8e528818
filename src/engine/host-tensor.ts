import type { Arrays, HostTensor } from './engine.js';

/** A tensor [] of one value: a rate, a share, a weight that changes from step to step. */
export const scalar = (value: number): HostTensor => ({ shape: [], data: Float32Array.of(value) });

/** A tensor of this shape, all zeros. */
export const zeros = (shape: readonly number[]): HostTensor => ({
  shape,
  data: new Float32Array(shape.reduce((product, size) => product * size, 1)),
});

/** Zeros of the same names and shapes: what an optimiser begins with. */
export const zerosLike = (arrays: Arrays): Arrays =>
  Object.fromEntries(
    Object.entries(arrays).map(([name, { shape, data }]) => [
      name,
      { shape, data: new Float32Array(data.length) },
    ]),
  );

export const copy = ({ shape, data }: HostTensor): HostTensor => ({ shape, data: data.slice() });
