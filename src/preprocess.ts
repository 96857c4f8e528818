import { DfkdError } from '../converters/errors.js';
import type { Model } from '../converters/model.js';
import { findLayout, type Layout } from '../converters/passes/find-layout.js';
import type { HostTensor } from './engine/engine.js';
import { findInGraphNormalization } from './in-graph-normalization.js';

/** How the model's input is made from pixels x in 0..255: `(x / 255 - mean) / std`, per channel. */
export interface Normalization {
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

export type PreprocessOption = 'auto' | 'imagenet' | 'cifar10' | 'unit' | 'raw' | Normalization;

/**
 * What is known of the model's input. Images are optimised in a normalised pixel space u of about zero mean and unit
 * variance, whatever the model is fed with; the model's input is `u * scale + offset`, per channel.
 */
export interface Preprocessing {
  /** The option's name, `mean/std` for given numbers, or where `auto` found it. */
  readonly name: string;
  readonly channels: number;
  readonly scale: readonly number[];
  readonly offset: readonly number[];
  /** Valid values of u; null where the model's input range is unknown. */
  readonly range: { readonly low: number; readonly high: number } | null;
  /** What the user should know. */
  readonly note?: string;
}

/** Mean and deviation of natural images' pixels, as shares of the range 0..255. */
const NATURAL = { mean: 0.45, std: 0.25 };
const RANGE = { low: (0 - NATURAL.mean) / NATURAL.std, high: (1 - NATURAL.mean) / NATURAL.std };

const NAMED: Readonly<Record<string, Normalization>> = {
  imagenet: { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] },
  cifar10: { mean: [0.4914, 0.4822, 0.4465], std: [0.247, 0.2435, 0.2616] },
  unit: { mean: [0], std: [1] },
  raw: { mean: [0], std: [1 / 255] },
};

/** Values of the key Image.NominalPixelRange in ONNX's MetadataProps.md. */
const NOMINAL_RANGES: Readonly<Record<string, Normalization>> = {
  NominalRange_0_255: NAMED['raw'],
  Normalized_0_1: NAMED['unit'],
  Normalized_1_1: { mean: [0.5], std: [0.5] },
};

/**
 * Settles how pixels become the model's input. `auto` takes the file's metadata (`onnx_dfkd.mean` and
 * `onnx_dfkd.std`, comma-separated; `onnx_dfkd.preprocess`, one of the names; ONNX's `Image.NominalPixelRange`),
 * then a normalisation that the graph begins with, and otherwise assumes no range. Throws E_ARG.
 */
export function resolvePreprocessing(option: PreprocessOption, model: Model): Preprocessing {
  const layout = findLayout(model.graph);
  const channels = model.graph.inputs[0]?.shape?.[layout === 'NHWC' ? 3 : 1] ?? 3;
  if (typeof option === 'object') return normalized('mean/std', option, channels);
  if (Object.hasOwn(NAMED, option)) return normalized(option, NAMED[option], channels);
  if (option !== 'auto') {
    throw new DfkdError(
      'E_ARG',
      `Preprocessing '${option as string}' is not known; use auto, imagenet, cifar10, unit, raw, or a mean and a std.`,
    );
  }
  return fromMetadata(model, channels) ?? fromGraph(model, channels) ?? unknownRange(channels);
}

function normalized(
  name: string,
  { mean, std }: Normalization,
  channels: number,
  note?: string,
): Preprocessing {
  const means = perChannel(name, 'mean', mean, channels);
  const stds = perChannel(name, 'std', std, channels);
  if (stds.some((value) => value <= 0)) {
    throw new DfkdError('E_ARG', `The std of '${name}' is ${stds.join(', ')}; every value must be above 0.`);
  }
  return {
    name,
    channels,
    scale: stds.map((value) => NATURAL.std / value),
    offset: stds.map((value, c) => (NATURAL.mean - means[c]) / value),
    range: RANGE,
    ...(note === undefined ? {} : { note }),
  };
}

function perChannel(name: string, what: string, values: readonly number[], channels: number): number[] {
  if (values.some((value) => !Number.isFinite(value))) {
    throw new DfkdError(
      'E_ARG',
      `The ${what} of '${name}' is ${values.join(', ')}; it must be finite numbers.`,
    );
  }
  if (values.length === channels) return [...values];
  if (values.length === 1) return Array(channels).fill(values[0]) as number[];
  throw new DfkdError(
    'E_ARG',
    `The ${what} of '${name}' has ${values.length} values, but the model's input has ${channels} ` +
      `channel${channels === 1 ? '' : 's'}; give one value, or one per channel.`,
  );
}

function fromMetadata({ metadata }: Model, channels: number): Preprocessing | undefined {
  const numbers = (key: string) => metadata.get(key)?.split(',').map(Number);
  const mean = numbers('onnx_dfkd.mean');
  const std = numbers('onnx_dfkd.std');
  const name = metadata.get('onnx_dfkd.preprocess') ?? '';
  const nominal = metadata.get('Image.NominalPixelRange') ?? '';
  const found =
    mean && std
      ? { mean, std }
      : Object.hasOwn(NAMED, name)
        ? NAMED[name]
        : Object.hasOwn(NOMINAL_RANGES, nominal)
          ? NOMINAL_RANGES[nominal]
          : undefined;
  const note = "Preprocessing is taken from the file's metadata.";
  return found && normalized('metadata', found, channels, note);
}

/**
 * The graph's own mean and std tell which pixels it expects: 0..255 or 0..1. Numbers that fit neither (a batch norm
 * on images that were normalised before) tell nothing.
 */
function fromGraph(model: Model, channels: number): Preprocessing | undefined {
  const found = findInGraphNormalization(model, channels);
  if (!found) return undefined;
  const within = (low: number, high: number, values: readonly number[]) =>
    values.every((value) => value >= low && value <= high);
  const isRaw = within(20, 256, found.std) && within(-1, 256, found.mean);
  const isUnit = within(0.05, 0.6, found.std) && within(0.05, 0.95, found.mean);
  if (!isRaw && !isUnit) return undefined;
  const pixels = isRaw ? '0..255' : '0..1';
  const note = `The graph normalises its own input; it is taken to be pixels in ${pixels}.`;
  return normalized('in-graph', NAMED[isRaw ? 'raw' : 'unit'], channels, note);
}

function unknownRange(channels: number): Preprocessing {
  return {
    name: 'unknown',
    channels,
    scale: Array(channels).fill(1) as number[],
    offset: Array(channels).fill(0) as number[],
    range: null,
    note:
      "The file does not tell how pixels become the model's input, so no valid range is assumed; " +
      'results are better with --preprocess imagenet, cifar10, unit or raw, or with --mean and --std.',
  };
}

/**
 * Bytes [batch, channels, height, width] in 0..255 to the model's input of the same shape. Throws E_ARG where the
 * preprocessing is unknown or the channels differ.
 */
export function toModelInput(
  bytes: Uint8Array,
  shape: readonly number[],
  preprocessing: Preprocessing,
): HostTensor {
  requireRange(preprocessing);
  if (shape[1] !== preprocessing.channels) {
    throw new DfkdError(
      'E_ARG',
      `The images have ${shape[1]} channels, but the model's input has ${preprocessing.channels}.`,
    );
  }
  const data = mapChannels(Float32Array.from(bytes), shape, (x, c) => {
    return toPixelSpace(x / 255) * preprocessing.scale[c] + preprocessing.offset[c];
  });
  return { shape, data };
}

/** Throws E_ARG where it is not known how pixels become the model's input. */
export function requireRange({ range }: Preprocessing): void {
  if (range === null) {
    throw new DfkdError(
      'E_ARG',
      "The file does not tell how pixels become the model's input; say so with --preprocess imagenet, cifar10, " +
        'unit or raw, or with --mean and --std.',
    );
  }
}

/** A pixel of 0..1 in normalised pixel space. */
export function toPixelSpace(pixel: number): number {
  return (pixel - NATURAL.mean) / NATURAL.std;
}

/** Normalised pixel space [batch, channels, height, width] to the model's input. */
export function fromPixelSpace(images: HostTensor, { scale, offset }: Preprocessing): HostTensor {
  const data = mapChannels(images.data, images.shape, (u, c) => u * scale[c] + offset[c]);
  return { shape: images.shape, data };
}

/** Images [batch, channels, height, width] with their axes as the file has them. */
export function toLayout(images: HostTensor, layout: Layout): HostTensor {
  if (layout === 'NCHW') return images;
  const [batch, channels, height, width] = images.shape;
  const plane = height * width;
  const data = new Float32Array(images.data.length);
  for (let image = 0; image < batch; image++) {
    const start = image * channels * plane;
    for (let c = 0; c < channels; c++) {
      for (let i = 0; i < plane; i++) data[start + i * channels + c] = images.data[start + c * plane + i];
    }
  }
  return { shape: [batch, height, width, channels], data };
}

/** The model's input [batch, channels, height, width] to bytes, for showing; values out of range are clipped. */
export function toBytes(images: HostTensor, { scale, offset }: Preprocessing): Uint8ClampedArray {
  const data = mapChannels(images.data, images.shape, (x, c) => {
    const u = (x - offset[c]) / scale[c];
    return (u * NATURAL.std + NATURAL.mean) * 255;
  });
  return Uint8ClampedArray.from(data);
}

function mapChannels(
  values: Float32Array,
  [, channels, height, width]: readonly number[],
  f: (value: number, channel: number) => number,
): Float32Array {
  const plane = height * width;
  return values.map((value, i) => f(value, Math.floor(i / plane) % channels));
}
