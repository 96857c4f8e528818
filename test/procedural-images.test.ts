import { describe, expect, test } from 'vitest';
import { createProceduralSource, drawImages, DRAWINGS } from '../src/dream/procedural/procedural-images.js';
import type { HostTensor } from '../src/engine/engine.js';
import { fromPixelSpace, toPixelSpace, type Preprocessing } from '../src/preprocess.js';
import { createRandom } from '../src/random.js';

const SIZE = 32;
const COUNT = 90;
const KINDS = Object.entries(DRAWINGS);

function draw(kind: string, shape: number[], seed = 0): HostTensor {
  return drawImages(shape, createRandom(seed), 0, [DRAWINGS[kind as keyof typeof DRAWINGS]]);
}

function meanOf(values: ArrayLike<number>): number {
  return Array.from(values).reduce((sum, x) => sum + x, 0) / values.length;
}

/** |DFT|^2 of one row of the grid by another, by definition; columns first, then rows. */
function power(image: Float64Array): Float64Array {
  const transform = (re: number[], im: number[]) =>
    re.map((_, k) => {
      let [a, b] = [0, 0];
      for (let i = 0; i < SIZE; i++) {
        const [c, s] = [Math.cos((2 * Math.PI * k * i) / SIZE), Math.sin((2 * Math.PI * k * i) / SIZE)];
        a += re[i] * c + im[i] * s;
        b += im[i] * c - re[i] * s;
      }
      return [a, b] as const;
    });
  const line = Array.from({ length: SIZE }, (_, i) => i);
  const rows = line.map((y) =>
    transform(Array.from(image.subarray(y * SIZE, (y + 1) * SIZE)), Array<number>(SIZE).fill(0)),
  );
  const result = new Float64Array(SIZE * SIZE);
  for (const x of line) {
    const column = transform(
      rows.map((row) => row[x][0]),
      rows.map((row) => row[x][1]),
    );
    column.forEach(([a, b], y) => (result[y * SIZE + x] = a * a + b * b));
  }
  return result;
}

/** Slope of log mean power against log frequency, over rings of 2 to 12 waves per image; Hann's window. */
function spectralSlope({ data }: HostTensor): number {
  const rings = Array.from({ length: SIZE }, () => [0, 0]);
  const window = Array.from({ length: SIZE }, (_, i) => Math.sin((Math.PI * (i + 0.5)) / SIZE) ** 2);
  for (let image = 0; image < COUNT; image++) {
    const at = (i: number, c: number) => data[(image * 3 + c) * SIZE * SIZE + i];
    const grey = Float64Array.from({ length: SIZE * SIZE }, (_, i) => at(i, 0) + at(i, 1) + at(i, 2));
    const mean = meanOf(grey);
    const windowed = grey.map((x, i) => (x - mean) * window[Math.floor(i / SIZE)] * window[i % SIZE]);
    power(windowed).forEach((value, i) => {
      const fold = (k: number) => Math.min(k, SIZE - k);
      const ring = rings[Math.round(Math.hypot(fold(Math.floor(i / SIZE)), fold(i % SIZE)))];
      ring[0] += value;
      ring[1]++;
    });
  }
  const points = rings.slice(2, 13).map(([sum, count], i) => [Math.log(i + 2), Math.log(sum / count)]);
  const [x, y] = [meanOf(points.map(([a]) => a)), meanOf(points.map(([, b]) => b))];
  const covariance = points.reduce((sum, [a, b]) => sum + (a - x) * (b - y), 0);
  return covariance / points.reduce((sum, [a]) => sum + (a - x) ** 2, 0);
}

describe.each(KINDS.map(([name]) => name))('%s', (kind) => {
  const images = draw(kind, [COUNT, 3, SIZE, SIZE]);

  test('has the spectrum of natural images: power falls with the square of the frequency', () => {
    const slope = spectralSlope(images);
    expect(slope).toBeGreaterThan(-2.8);
    expect(slope).toBeLessThan(-1.8);
  });

  test('has the colours of natural images: spread around grey, channels that go together', () => {
    // Normalised pixel space is made so that natural images have mean 0 and variance 1.
    const mean = meanOf(images.data);
    expect(Math.abs(mean)).toBeLessThan(0.2);
    expect(Math.abs(Math.sqrt(meanOf(images.data.map((x) => (x - mean) ** 2))) - 1)).toBeLessThan(0.3);
    const plane = SIZE * SIZE;
    const channel = (c: number) => images.data.filter((_, i) => Math.floor(i / plane) % 3 === c);
    const [red, blue] = [channel(0), channel(2)];
    const product = (a: Float32Array, b: Float32Array) => meanOf(a.map((x, i) => (x - mean) * (b[i] - mean)));
    const correlation = product(red, blue) / Math.sqrt(product(red, red) * product(blue, blue));
    expect(correlation).toBeGreaterThan(0.75);
    expect(correlation).toBeLessThan(0.98);
  });

  test('covers images of any size and number of channels, within the valid range', () => {
    for (const shape of [
      [3, 1, 28, 28],
      [2, 3, 5, 17],
      [2, 4, 1, 1],
      [1, 3, 96, 64],
    ]) {
      const { data } = draw(kind, shape);
      expect(data).toHaveLength(shape.reduce((product, size) => product * size));
      expect(Math.min(...data)).toBeGreaterThanOrEqual(toPixelSpace(0) - 1e-5);
      expect(Math.max(...data)).toBeLessThanOrEqual(toPixelSpace(1) + 1e-5);
    }
  });

  test('draws what the seed says, every image another', () => {
    expect(draw(kind, [4, 3, 16, 16], 3)).toEqual(draw(kind, [4, 3, 16, 16], 3));
    const { data } = draw(kind, [4, 3, 16, 16], 3);
    const ids = [0, 1, 2, 3].map((i) => data.slice(i * 768, (i + 1) * 768).join());
    expect(new Set([...ids, draw(kind, [1, 3, 16, 16], 4).data.join()]).size).toBe(5);
  });
});

test('a source draws the same images whatever the batches, in the units of the model', async () => {
  const preprocessing: Preprocessing = {
    name: 'test',
    channels: 3,
    scale: [2, 3, 4],
    offset: [5, 6, 7],
    range: null,
  };
  const source = () => createProceduralSource([64, 3, 8, 8], preprocessing, createRandom(1));
  const [one, other] = [source(), source()];
  const parts = [await one.next(2), await one.next(5)];
  const whole = await other.next(7);
  expect(whole.shape).toEqual([7, 3, 8, 8]);
  expect([...parts[0].data, ...parts[1].data]).toEqual([...whole.data]);
  expect(whole).toEqual(fromPixelSpace(drawImages([7, 3, 8, 8], createRandom(1)), preprocessing));
});
