import type * as tfjs from '@tensorflow/tfjs-core';
import { optionalInts, string, type Shape, type Tf } from '../define-op.js';
import { attributeError, shapeError, show, unsupported } from './shapes.js';

/** Attributes that convolutions and pools share; height first. */
export const windowAttributes = {
  auto_pad: string('NOTSET', { oneOf: ['NOTSET', 'SAME_UPPER', 'SAME_LOWER', 'VALID'] }),
  strides: optionalInts(),
  pads: optionalInts(),
};

interface WindowAttributes {
  readonly auto_pad: string;
  readonly strides: readonly number[] | undefined;
  readonly pads: readonly number[] | undefined;
  readonly dilations?: readonly number[] | undefined;
  readonly ceil_mode?: number;
}

type Pair = readonly [number, number];

/** How a window moves over an image; every pair is [height, width]. */
export interface Window {
  readonly input: Pair;
  readonly kernel: Pair;
  readonly strides: Pair;
  readonly dilations: Pair;
  /** Padding before and after, as the file states it. */
  readonly begin: Pair;
  readonly end: Pair;
  /** Padding after `end` that ceil_mode adds for the last window to fit (cut off, where negative). */
  readonly extra: Pair;
  readonly output: Pair;
}

/**
 * Output sizes as the Conv and AveragePool specifications define them.
 * @param shape [N, C, H, W]
 * @throws DfkdError E_ATTR for malformed attributes, E_SHAPE where the window does not fit, E_UNSUPPORTED unless 2-D
 */
export function windowOf(shape: Shape, kernel: readonly number[], attributes: WindowAttributes): Window {
  if (shape.length !== 4) throw unsupported(`input ${show(shape)} is not [N, C, H, W]; only images work.`);
  const { pads, auto_pad: autoPad, ceil_mode: ceilMode = 0 } = attributes;
  const kernelPair = pairOf(kernel, 'kernel_shape');
  const strides = pairOf(attributes.strides ?? [1, 1], 'strides');
  const dilations = pairOf(attributes.dilations ?? [1, 1], 'dilations');
  if (pads !== undefined && (pads.length !== 4 || pads.some((pad) => pad < 0))) {
    throw attributeError(`pads ${show(pads)} must be 4 values of at least 0.`);
  }
  const given = autoPad === 'NOTSET' ? pads : undefined;
  const axes = [0, 1].map((axis) => {
    const span = (kernelPair[axis] - 1) * dilations[axis] + 1;
    const along = { size: shape[2 + axis], span, stride: strides[axis] };
    const padding = autoPad.startsWith('SAME')
      ? samePadding(along, autoPad === 'SAME_UPPER')
      : { begin: given?.[axis] ?? 0, end: given?.[axis + 2] ?? 0 };
    return place(along, padding, ceilMode === 1);
  });
  const pair = (key: 'begin' | 'end' | 'extra' | 'output'): Pair => [axes[0][key], axes[1][key]];
  return {
    input: [shape[2], shape[3]],
    kernel: kernelPair,
    strides,
    dilations,
    begin: pair('begin'),
    end: pair('end'),
    extra: pair('extra'),
    output: pair('output'),
  };
}

function pairOf(values: readonly number[], name: string): Pair {
  if (values.length !== 2) throw attributeError(`${name} ${show(values)} must be 2 values.`);
  if (values.some((value) => value < 1)) throw attributeError(`${name} ${show(values)} must be at least 1.`);
  return [values[0], values[1]];
}

interface Along {
  readonly size: number;
  /** Kernel size with dilation. */
  readonly span: number;
  readonly stride: number;
}

interface Padding {
  readonly begin: number;
  readonly end: number;
}

function samePadding({ size, span, stride }: Along, upper: boolean): Padding {
  const total = Math.max((Math.ceil(size / stride) - 1) * stride + span - size, 0);
  const less = Math.floor(total / 2);
  return upper ? { begin: less, end: total - less } : { begin: total - less, end: less };
}

function place({ size, span, stride }: Along, { begin, end }: Padding, ceil: boolean) {
  const room = size + begin + end - span;
  if (room < 0)
    throw shapeError(`a window of ${span} does not fit a size of ${size} padded by ${begin + end}.`);
  const floored = Math.floor(room / stride) + 1;
  const rounded = ceil ? Math.ceil(room / stride) + 1 : floored;
  // A window that would start in the padding after the image is left out.
  const output = (rounded - 1) * stride >= size + begin ? floored : rounded;
  return { begin, end, extra: (output - 1) * stride - room, output };
}

/** Pads an NHWC tensor so that a 'valid' window gives the output. What no window reaches stays. */
export function padWindow(tf: Tf, x: tfjs.Tensor4D, window: Window, value: number): tfjs.Tensor4D {
  const along = (axis: number): [number, number] => [
    window.begin[axis],
    window.end[axis] + Math.max(window.extra[axis], 0),
  ];
  const pads: [number, number][] = [[0, 0], along(0), along(1), [0, 0]];
  return pads.flat().every((pad) => pad === 0) ? x : tf.pad(x, pads, value);
}
