import { DfkdError } from '../../converters/errors.js';
import { checkMemory } from '../../converters/memory.js';
import type { HostTensor } from '../engine/engine.js';
import type { Network } from '../network/network.js';
import type { MemoryOptions, NoteOptions } from '../open-model.js';
import { fromPixelSpace, requireRange, toPixelSpace, type Preprocessing } from '../preprocess.js';
import { convertChannels } from './channels.js';
import { findImageFiles, readImageFile, type ImageFile } from './read-images.js';
import { fitImage } from './resize.js';

/** The part of a teacher that its images depend on; its input is [batch, channels, height, width]. */
export interface CalibrationTarget {
  readonly network: Pick<Network, 'input'>;
  readonly preprocessing: Preprocessing;
}

/** Fewer say little of a channel's mean and variance. */
const ENOUGH = 32;

/**
 * A user's unlabelled images as the model takes them, [count, channels, height, width]: a .npy file (uint8
 * [count, channels, height, width]), a .png file, or a folder of both. What has another size is scaled and its middle
 * cut out; what has other channels is converted; notes say so.
 * @throws DfkdError E_IO, E_PARSE, E_TENSOR, E_SHAPE, E_LIMIT; E_ARG where there are no images, or the preprocessing is
 * unknown
 */
export async function readCalibration(
  path: string,
  { network, preprocessing }: CalibrationTarget,
  { onNote, maxMemory }: NoteOptions & MemoryOptions = {},
): Promise<HostTensor> {
  requireRange(preprocessing);
  const [, channels, height, width] = network.input.shape;
  const { files, skipped } = await findImageFiles(path);
  const images: Float32Array[] = [];
  let resized = 0;
  for (const file of files) {
    const { name, images: found }: ImageFile = await readImageFile(file);
    for (const image of found) {
      const fits = image.height === height && image.width === width;
      if (!fits) resized++;
      const converted = convertChannels(image, channels, name);
      images.push((fits ? converted : fitImage(converted, height, width)).data);
    }
    checkMemory(
      `${images.length} images of '${path}'`,
      8 * images.length * channels * height * width,
      maxMemory,
    );
  }
  if (images.length === 0) throw new DfkdError('E_ARG', `'${path}' holds no images.`);

  if (skipped > 0) onNote?.(`${skipped} images in '${path}' are neither PNG nor .npy, and are left out.`);
  if (resized > 0) {
    onNote?.(`${resized} of ${images.length} images in '${path}' are scaled and cut to ${height}x${width}.`);
  }
  if (images.length < ENOUGH) {
    onNote?.(
      `'${path}' holds ${images.length} images; statistics of fewer than ${ENOUGH} are rough, 100 do well.`,
    );
  }
  const data = new Float32Array(images.length * channels * height * width);
  images.forEach((image, i) => {
    data.set(image, i * image.length);
  });
  const pixels = {
    shape: [images.length, channels, height, width],
    data: data.map((x) => toPixelSpace(x / 255)),
  };
  return fromPixelSpace(pixels, preprocessing);
}
