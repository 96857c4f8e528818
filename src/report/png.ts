import { PNG } from 'pngjs';

/** Pixels of several images, 0..255, [count, channels, height, width] with 1 or 3 channels. */
export interface PixelImages {
  readonly shape: readonly number[];
  readonly data: ArrayLike<number>;
}

/**
 * Draws images side by side as one PNG file, one pixel apart, each pixel enlarged `scale` times.
 * @param columns images in a row; the last row may be shorter
 */
export function encodePngGrid({ shape, data }: PixelImages, columns: number, scale = 1): Uint8Array {
  const [count, channels, height, width] = shape;
  const across = Math.min(columns, count);
  const rows = Math.ceil(count / across);
  const [cellWidth, cellHeight] = [width * scale + 1, height * scale + 1];
  const png = new PNG({ width: across * cellWidth - 1, height: rows * cellHeight - 1 });

  for (let image = 0; image < count; image++) {
    const left = (image % across) * cellWidth;
    const top = Math.floor(image / across) * cellHeight;
    for (let y = 0; y < height * scale; y++) {
      for (let x = 0; x < width * scale; x++) {
        const at = 4 * ((top + y) * png.width + left + x);
        for (let c = 0; c < 3; c++) {
          const channel = image * channels + Math.min(c, channels - 1);
          const pixel = (channel * height + Math.floor(y / scale)) * width + Math.floor(x / scale);
          png.data[at + c] = data[pixel];
        }
        png.data[at + 3] = 255;
      }
    }
  }
  return PNG.sync.write(png);
}
