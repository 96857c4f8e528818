/**
 * Layer-adaptive magnitude (LAMP, arXiv 2010.07611, eq. 3): the square of a magnitude over the sum of those of its layer
 * that are not smaller. It makes scores of one layer comparable with those of another: what a layer has left counts.
 * @param magnitudes of one layer, none negative
 */
export function lampScores(magnitudes: Float32Array): Float32Array {
  const sorted = magnitudes.slice().sort();
  const sums = new Float64Array(sorted.length);
  let sum = 0;
  for (let i = sorted.length - 1; i >= 0; i--) sums[i] = sum += sorted[i] ** 2;
  return magnitudes.map((magnitude) =>
    magnitude === 0 ? 0 : magnitude ** 2 / sums[firstOf(sorted, magnitude)],
  );
}

/** Where a value that is in the ascending array first occurs. */
function firstOf(sorted: Float32Array, value: number): number {
  let [low, high] = [0, sorted.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
