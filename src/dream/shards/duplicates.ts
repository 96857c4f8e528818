/** Side of the small copies that are compared, and their least correlation. */
const SIDE = 8;
const ALIKE = 0.95;

export interface DuplicateSearch {
  /** @param shape [..., channels, height, width], of which `image` is one */
  add(target: number, shape: readonly number[], image: Uint8Array | Float32Array): void;
  count(): number;
}

/**
 * Counts near-duplicates: images to which another of the same class has, both averaged down to 8 x 8 pixels per channel,
 * a Pearson correlation of at least 0.95. That is free of brightness and contrast, and blind to noise and to shifts of
 * a pixel. An image of one colour throughout, which has no correlation, counts as one too.
 */
export function createDuplicateSearch(): DuplicateSearch {
  const classes = new Map<number, Float32Array[]>();
  return {
    add(target, shape, image) {
      const copies = classes.get(target) ?? [];
      classes.set(target, copies);
      copies.push(standardise(shrink(shape, image)));
    },
    count() {
      return [...classes.values()].reduce((sum, copies) => sum + countAlike(copies), 0);
    },
  };
}

function countAlike(copies: readonly Float32Array[]): number {
  const found = copies.map((copy) => copy.every((x) => x === 0));
  copies.forEach((a, i) => {
    for (let j = i + 1; j < copies.length; j++) {
      if ((!found[i] || !found[j]) && dot(a, copies[j]) >= ALIKE) found[i] = found[j] = true;
    }
  });
  return found.filter(Boolean).length;
}

/** Means over the cells of a grid of at most 8 x 8 per channel. */
function shrink(shape: readonly number[], image: Uint8Array | Float32Array): Float64Array {
  const [channels, height, width] = shape.slice(-3);
  const [rows, columns] = [Math.min(SIDE, height), Math.min(SIDE, width)];
  const sums = new Float64Array(channels * rows * columns);
  const counts = new Float64Array(sums.length);
  image.forEach((value, i) => {
    const [x, y] = [i % width, Math.floor(i / width) % height];
    const channel = Math.floor(i / (width * height));
    const row = channel * rows + Math.floor((y * rows) / height);
    const cell = row * columns + Math.floor((x * columns) / width);
    sums[cell] += value;
    counts[cell]++;
  });
  return sums.map((sum, cell) => sum / counts[cell]);
}

/** Of mean 0 and length 1, so that a product of two is their correlation; zeros where all is equal. */
function standardise(values: Float64Array): Float32Array {
  const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
  const centred = values.map((x) => x - mean);
  const length = Math.sqrt(centred.reduce((sum, x) => sum + x * x, 0));
  return Float32Array.from(centred, (x) => (length > 1e-9 ? x / length : 0));
}

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}
