/** An image in planes: [channels, height, width], values 0..255. */
export interface Planes {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  readonly data: Float32Array;
}

/**
 * Scales the image until it just covers height x width, its proportions kept, and cuts out the middle. Shrunk, each
 * pixel is a mean over the area it covers, weighted by a triangle; enlarged, it is interpolated bilinearly (both as
 * Pillow's BILINEAR).
 */
export function fitImage(image: Planes, height: number, width: number): Planes {
  const scale = Math.max(height / image.height, width / image.width);
  // Only one side is cut; rounding must not leave the other a pixel short.
  const rows = placePixels(image.height, scale, height);
  const columns = placePixels(image.width, scale, width);
  return resampleColumns(resampleRows(image, rows), columns);
}

/** Of one output pixel: the first input pixel it reads, and the share of each from there on; shares add up to 1. */
interface Taps {
  readonly first: number;
  readonly shares: readonly number[];
}

/** The taps of `wanted` pixels out of the middle of `size` pixels enlarged by `scale`. */
function placePixels(size: number, scale: number, wanted: number): Taps[] {
  const start = (size * scale - wanted) / 2;
  const reach = Math.max(1, 1 / scale);
  return Array.from({ length: wanted }, (_, i) => {
    // Pixel i covers i to i + 1; so do the input's.
    const centre = (start + i + 0.5) / scale;
    const first = Math.max(0, Math.ceil(centre - reach - 0.5));
    const last = Math.min(size - 1, Math.floor(centre + reach - 0.5));
    const weights = Array.from({ length: last - first + 1 }, (_, j) =>
      Math.max(0, 1 - Math.abs(first + j + 0.5 - centre) / reach),
    );
    const sum = weights.reduce((total, weight) => total + weight, 0);
    return { first, shares: weights.map((weight) => weight / sum) };
  });
}

function resampleRows({ channels, height, width, data }: Planes, rows: readonly Taps[]): Planes {
  const result = new Float32Array(channels * rows.length * width);
  for (let c = 0; c < channels; c++) {
    rows.forEach(({ first, shares }, y) => {
      const to = (c * rows.length + y) * width;
      shares.forEach((share, j) => {
        const from = (c * height + first + j) * width;
        for (let x = 0; x < width; x++) result[to + x] += share * data[from + x];
      });
    });
  }
  return { channels, height: rows.length, width, data: result };
}

function resampleColumns({ channels, height, width, data }: Planes, columns: readonly Taps[]): Planes {
  const result = new Float32Array(channels * height * columns.length);
  for (let row = 0, at = 0; row < channels * height; row++) {
    for (const { first, shares } of columns) {
      const from = row * width + first;
      result[at++] = shares.reduce((sum, share, j) => sum + share * data[from + j], 0);
    }
  }
  return { channels, height, width: columns.length, data: result };
}
