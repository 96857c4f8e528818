import type * as tfjs from '@tensorflow/tfjs-core';
import { optionalInts, string, type Shape, type Tf } from '../define-op.js';
import { attributeError, shapeError, show } from './shapes.js';

/** Attributes that convolutions and pools share; one value per spatial axis, pads two. */
export const windowAttributes = {
  auto_pad: string('NOTSET', { oneOf: ['NOTSET', 'SAME_UPPER', 'SAME_LOWER', 'VALID'] }),
  strides: optionalInts(),
  pads: optionalInts(),
};

export interface WindowAttributes {
  readonly auto_pad: string;
  readonly strides: readonly number[] | undefined;
  readonly pads: readonly number[] | undefined;
  readonly dilations?: readonly number[] | undefined;
  readonly ceil_mode?: number;
}

/** Kernel size, step and distance of taps along one spatial axis. */
export interface Taps {
  readonly kernel: number;
  readonly stride: number;
  readonly dilation: number;
}

/** How a window moves along one spatial axis. */
export interface WindowAxis extends Taps {
  /** Size of the input. */
  readonly input: number;
  /** Padding before and after, as the file states it. */
  readonly begin: number;
  readonly end: number;
  /** Padding after `end` that ceil_mode adds for the last window to fit (cut off, where negative). */
  readonly extra: number;
  readonly output: number;
}

/** By spatial axis: height and width, of images. */
export type Window = readonly WindowAxis[];

/**
 * Output sizes as the Conv and AveragePool specifications define them.
 * @param shape [N, C, ...]
 * @throws DfkdError E_ATTR for malformed attributes, E_SHAPE where the window does not fit
 */
export function windowOf(shape: Shape, kernel: readonly number[], attributes: WindowAttributes): Window {
  const taps = tapsOf(shape, kernel, attributes);
  const { pads, auto_pad: autoPad, ceil_mode: ceilMode = 0 } = attributes;
  const given = autoPad === 'NOTSET' ? padsOf(pads, taps.length) : undefined;
  return taps.map((along, axis) => {
    const input = shape[axis + 2];
    const padding = autoPad.startsWith('SAME')
      ? samePadding(input, along, autoPad === 'SAME_UPPER')
      : { begin: given?.[axis] ?? 0, end: given?.[axis + taps.length] ?? 0 };
    return { ...along, input, ...padding, ...place(input, along, padding, ceilMode === 1) };
  });
}

/** The window's taps along each spatial axis of [N, C, ...]. */
export function tapsOf(
  shape: Shape,
  kernel: readonly number[],
  { strides, dilations }: Pick<WindowAttributes, 'strides' | 'dilations'>,
): Taps[] {
  const rank = shape.length - 2;
  if (rank < 1) throw shapeError(`input ${show(shape)} has no spatial axes.`);
  const list = (values: readonly number[], name: string) => {
    if (values.length !== rank) throw attributeError(`${name} ${show(values)} must be ${rank} values.`);
    if (values.some((value) => value < 1))
      throw attributeError(`${name} ${show(values)} must be at least 1.`);
    return values;
  };
  const ones = new Array<number>(rank).fill(1);
  const sizes = list(kernel, 'kernel_shape');
  const steps = list(strides ?? ones, 'strides');
  const distances = list(dilations ?? ones, 'dilations');
  return sizes.map((size, axis) => ({ kernel: size, stride: steps[axis], dilation: distances[axis] }));
}

/** @throws DfkdError E_ATTR unless there are two pads for each of `rank` axes, none negative */
export function padsOf(pads: readonly number[] | undefined, rank: number): readonly number[] | undefined {
  if (pads !== undefined && (pads.length !== 2 * rank || pads.some((pad) => pad < 0))) {
    throw attributeError(`pads ${show(pads)} must be ${2 * rank} values of at least 0.`);
  }
  return pads;
}

/** From the first tap of a window to its last. */
export function spanOf({ kernel, dilation }: Taps): number {
  return (kernel - 1) * dilation + 1;
}

interface Padding {
  readonly begin: number;
  readonly end: number;
}

function samePadding(size: number, taps: Taps, upper: boolean): Padding {
  const total = Math.max((Math.ceil(size / taps.stride) - 1) * taps.stride + spanOf(taps) - size, 0);
  const less = Math.floor(total / 2);
  return upper ? { begin: less, end: total - less } : { begin: total - less, end: less };
}

function place(size: number, taps: Taps, { begin, end }: Padding, ceil: boolean) {
  const { stride } = taps;
  const span = spanOf(taps);
  const room = size + begin + end - span;
  if (room < 0)
    throw shapeError(`a window of ${span} does not fit a size of ${size} padded by ${begin + end}.`);
  const floored = Math.floor(room / stride) + 1;
  const rounded = ceil ? Math.ceil(room / stride) + 1 : floored;
  // A window that would start in the padding after the image is left out.
  const output = (rounded - 1) * stride >= size + begin ? floored : rounded;
  return { extra: (output - 1) * stride - room, output };
}

/** Whether the window is one of images that tfjs' own kernels know: two spatial axes, no dilation. */
export function isPlainImage(window: Window): boolean {
  return window.length === 2 && window.every(({ dilation }) => dilation === 1);
}

/** Pads an NHWC tensor so that a 'valid' window gives the output. What no window reaches stays. */
export function padWindow(tf: Tf, x: tfjs.Tensor4D, window: Window, value: number): tfjs.Tensor4D {
  return padAxes(tf, x, 1, window, value) as tfjs.Tensor4D;
}

/** As padWindow, for spatial axes that begin at axis `first`. */
export function padAxes(tf: Tf, x: tfjs.Tensor, first: number, window: Window, value: number): tfjs.Tensor {
  const pads = x.shape.map((): [number, number] => [0, 0]);
  window.forEach(({ begin, end, extra }, axis) => {
    pads[first + axis] = [begin, end + Math.max(extra, 0)];
  });
  return pads.flat().every((pad) => pad === 0) ? x : tf.pad(x, pads, value);
}
