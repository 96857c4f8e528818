import { DfkdError } from '../../converters/errors.js';
import type { Planes } from './resize.js';

/** ITU-R BT.601: how bright red, green and blue are to the eye. */
const LUMA = [0.299, 0.587, 0.114];

/**
 * The image with the model's number of channels. Transparent parts show white; grey becomes equal red, green and blue,
 * and colours their brightness.
 * @throws DfkdError E_SHAPE where the model takes another number of channels than 1 or 3, and the image has another yet
 */
export function convertChannels(image: Planes, wanted: number, name: string): Planes {
  if (image.channels === wanted) return image;
  const { channels } = image;
  if (channels > 4 || channels < 1 || (wanted !== 1 && wanted !== 3)) {
    throw new DfkdError(
      'E_SHAPE',
      `'${name}' has images of ${channels} channels, but the model's input has ${wanted}.`,
    );
  }
  const opaque = channels === 2 || channels === 4 ? showOnWhite(image) : image;
  if (opaque.channels === wanted) return opaque;
  return wanted === 3 ? repeat(opaque) : toGrey(opaque);
}

function planeOf({ height, width, data }: Planes, channel: number): Float32Array {
  return data.subarray(channel * height * width, (channel + 1) * height * width);
}

/** Drops the last channel, the opacity. */
function showOnWhite(image: Planes): Planes {
  const channels = image.channels - 1;
  const alpha = planeOf(image, channels);
  const data = image.data
    .subarray(0, channels * alpha.length)
    .map((x, i) => 255 + ((x - 255) * alpha[i % alpha.length]) / 255);
  return { ...image, channels, data };
}

function repeat(image: Planes): Planes {
  const data = new Float32Array(3 * image.data.length);
  for (let c = 0; c < 3; c++) data.set(image.data, c * image.data.length);
  return { ...image, channels: 3, data };
}

function toGrey(image: Planes): Planes {
  const [red, green, blue] = [0, 1, 2].map((c) => planeOf(image, c));
  const data = red.map((r, i) => LUMA[0] * r + LUMA[1] * green[i] + LUMA[2] * blue[i]);
  return { ...image, channels: 1, data };
}
