import type { LayerStatistics } from './shard.js';

/**
 * How far the statistics of images are from those that each batch norm stores, layer by layer: ||m - M|| / ||S|| +
 * ||v - V|| / ||V||, with m and v the mean and variance over the images, M and V = S^2 the running ones. The terms of
 * DeepInversion's loss (arXiv 1912.08795, eq. 4), each relative to what it is compared with, so that layers and models of
 * any width and unit compare; 0 is the training set, 1 is one standard deviation away.
 */
export function layerDistances({
  layers,
  deviation,
  square,
  variance,
}: Pick<LayerStatistics, 'layers' | 'deviation' | 'square' | 'variance'>): number[] {
  let at = 0;
  return layers.map(({ channels }) => {
    const of = (values: Float32Array) => values.subarray(at, at + channels);
    const [d, s, v] = [of(deviation), of(square), of(variance)];
    at += channels;
    const means = Math.sqrt(sum(d, (x) => x * x) / positive(sum(v, (x) => x)));
    const variances = Math.sqrt(
      sum(d, (x, c) => (s[c] - x * x - v[c]) ** 2) / positive(sum(v, (x) => x * x)),
    );
    return means + variances;
  });
}

function sum(values: Float32Array, f: (value: number, i: number) => number): number {
  return values.reduce((total, value, i) => total + f(value, i), 0);
}

/** A layer that never varied has distances beyond measure; they stay finite. */
function positive(value: number): number {
  return Math.max(value, 1e-12);
}
