import type { HostTensor } from './engine.js';

/** A tensor [] of one value: a rate, a share, a weight that changes from step to step. */
export const scalar = (value: number): HostTensor => ({ shape: [], data: Float32Array.of(value) });

export const copy = ({ shape, data }: HostTensor): HostTensor => ({ shape, data: data.slice() });
