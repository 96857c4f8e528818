import type { Random } from '../random.js';

/**
 * Noise with about the spectrum of natural images, whose power falls with the square of the spatial frequency (Field
 * 1987), of mean 0 and variance 1; shape [batch, channels, height, width]. White noise lacks the low frequencies, which
 * gradients are slow to build.
 */
export function naturalNoise(
  [batch, channels, height, width]: readonly number[],
  random: Random,
): Float32Array {
  const noise = new Float32Array(batch * channels * height * width);
  // Octaves of equal variance: Gaussian noise in blocks of 1, 2, 4, ... pixels, each grid shifted at random.
  const blocks: number[] = [];
  for (let block = 1; block <= Math.min(height, width); block *= 2) blocks.push(block);
  for (const block of blocks) {
    const [rows, columns] = [height, width].map((size) => Math.ceil(size / block) + 1);
    for (let plane = 0; plane < batch * channels; plane++) {
      const grid = random.gaussian(rows * columns);
      const [top, left] = [random.integer(block), random.integer(block)];
      for (let y = 0; y < height; y++) {
        const row = Math.floor((y + top) / block) * columns;
        for (let x = 0; x < width; x++) {
          noise[(plane * height + y) * width + x] += grid[row + Math.floor((x + left) / block)];
        }
      }
    }
  }
  return noise.map((x) => x / Math.sqrt(blocks.length));
}
