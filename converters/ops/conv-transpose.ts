import type * as tfjs from '@tensorflow/tfjs-core';
import { perChannel, toChannelsFirst, toChannelsLast } from '../layout.js';
import { defineOp, int, optionalInts, type Shape, type Tf } from './define-op.js';
import { attributeError, shapeError, show } from './support/shapes.js';
import { dilate, filterAt, lowerAxis, raiseAxis, spread, stackAxis, unstackAxis } from './support/spatial.js';
import { padsOf, spanOf, tapsOf, windowAttributes, type Taps } from './support/window.js';

/** The gradient of a convolution with respect to its input: x [N, C, ...], weight [C, M / group, ...], bias [M]. */
export const ConvTranspose = defineOp('ConvTranspose', {
  since: [1, 11, 22],
  inputs: [2, 3],
  outputs: [1, 1],
  attributes: {
    ...windowAttributes,
    dilations: optionalInts(),
    kernel_shape: optionalInts(),
    group: int(1),
    output_padding: optionalInts(),
    output_shape: optionalInts(),
  },
  shape([x, weight, bias = []], attributes) {
    check(x, weight, bias, attributes);
    const axes = axesOf(x, weight, attributes);
    return [[x[0], weight[1] * attributes.group, ...axes.map(({ output }) => output)]];
  },
  forward(tf, [x, weight, bias], attributes) {
    const axes = axesOf(x.shape, weight.shape, attributes);
    const y = crop(tf, transposed(tf, x, weight, attributes.group, axes), axes);
    return [bias ? tf.add(y, perChannel(tf, bias, y.rank)) : y];
  },
});

interface Attributes {
  readonly auto_pad: string;
  readonly strides: readonly number[] | undefined;
  readonly pads: readonly number[] | undefined;
  readonly dilations: readonly number[] | undefined;
  readonly kernel_shape: readonly number[] | undefined;
  readonly group: number;
  readonly output_padding: readonly number[] | undefined;
  readonly output_shape: readonly number[] | undefined;
}

function check(x: Shape, weight: Shape, bias: Shape, { group, kernel_shape: kernel }: Attributes): void {
  if (group < 1) throw attributeError(`group ${group} must be at least 1.`);
  if (weight.length !== x.length || x.length < 3 || weight[0] !== x[1] || x[1] % group !== 0) {
    throw shapeError(`weight ${show(weight)} in ${group} groups does not fit input ${show(x)}.`);
  }
  if (kernel && show(kernel) !== show(weight.slice(2))) {
    throw attributeError(`kernel_shape ${show(kernel)} is not that of its weight ${show(weight)}.`);
  }
  if (bias.length > 0 && show(bias) !== show([weight[1] * group])) {
    throw shapeError(`bias ${show(bias)} must have ${weight[1] * group} values.`);
  }
}

/** One spatial axis: of `full` elements those from `begin` on are the output, and zeros where there are no more. */
interface Axis extends Taps {
  readonly full: number;
  readonly begin: number;
  readonly output: number;
}

function axesOf(x: Shape, weight: Shape, attributes: Attributes): Axis[] {
  const taps = tapsOf(x, weight.slice(2), attributes);
  const { auto_pad: autoPad, output_padding: more } = attributes;
  const wanted = imageOf(attributes.output_shape, taps.length);
  const pads = padsOf(attributes.pads, taps.length);
  for (const [name, values] of Object.entries({ output_padding: more, output_shape: wanted })) {
    if (values && (values.length !== taps.length || values.some((value) => value < 0))) {
      throw attributeError(`${name} ${show(values)} must be ${taps.length} values of at least 0.`);
    }
  }
  return taps.map((along, axis) => {
    const input = x[axis + 2];
    const full = (input - 1) * along.stride + spanOf(along);
    const extra = more?.[axis] ?? 0;
    const size = wanted?.[axis] ?? (autoPad.startsWith('SAME') ? input * along.stride : undefined);
    if (size !== undefined) {
      const total = Math.max(full + extra - size, 0);
      const less = Math.floor(total / 2);
      return { ...along, full, begin: autoPad === 'SAME_UPPER' ? less : total - less, output: size };
    }
    const [begin, end] = autoPad === 'VALID' || !pads ? [0, 0] : [pads[axis], pads[axis + taps.length]];
    const output = full + extra - begin - end;
    if (output < 1) throw shapeError(`pads ${show(pads ?? [])} leave nothing of ${full}.`);
    return { ...along, full, begin, output };
  });
}

/** Older files give the output's whole shape, [N, M, ...]. */
function imageOf(shape: readonly number[] | undefined, axes: number): readonly number[] | undefined {
  return shape?.length === axes + 2 ? shape.slice(2) : shape;
}

function crop(tf: Tf, y: tfjs.Tensor, axes: readonly Axis[]): tfjs.Tensor {
  const missing = axes.map(({ full, begin, output }): [number, number] => [
    0,
    Math.max(begin + output - full, 0),
  ]);
  const enough = missing.every(([, after]) => after === 0) ? y : tf.pad(y, [[0, 0], [0, 0], ...missing]);
  const [batch, channels] = y.shape;
  const begin = [0, 0, ...axes.map((axis) => axis.begin)];
  return tf.slice(enough, begin, [batch, channels, ...axes.map(({ output }) => output)]);
}

/** All that the taps reach: `full` elements of every axis. */
function transposed(
  tf: Tf,
  x: tfjs.Tensor,
  weight: tfjs.Tensor,
  group: number,
  axes: readonly Axis[],
): tfjs.Tensor {
  if (axes.length === 1) {
    const still: Axis = { kernel: 1, stride: 1, dilation: 1, full: 1, begin: 0, output: 1 };
    return lowerAxis(tf, transposed(tf, raiseAxis(tf, x), raiseAxis(tf, weight), group, [still, ...axes]));
  }
  if (axes.length === 2) return transposedImage(tf, x, weight, group, axes);
  // Each tap of the first axis adds what it makes of all images, moved by its distance.
  const [first, ...rest] = axes;
  const images = unstackAxis(tf, x);
  const [, , depth] = x.shape;
  const parts = Array.from({ length: first.kernel }, (_, tap) => {
    const part = transposed(tf, images, filterAt(tf, weight, tap), group, rest);
    const apart = spread(tf, stackAxis(tf, part, depth), 2, first.stride);
    const before = tap * first.dilation;
    const pads = apart.shape.map((dim, axis): [number, number] =>
      axis === 2 ? [before, first.full - dim - before] : [0, 0],
    );
    return tf.pad(apart, pads);
  });
  return parts.reduce((a, b) => tf.add(a, b));
}

function transposedImage(
  tf: Tf,
  x: tfjs.Tensor,
  weight: tfjs.Tensor,
  group: number,
  axes: readonly Axis[],
): tfjs.Tensor {
  const image = toChannelsLast(tf, x);
  const [batch, height, width, channels] = image.shape;
  const [strideHigh, strideWide] = axes.map(({ stride }) => stride);
  const [, outputs] = weight.shape;
  // [C, M, H, W] to tfjs' [H, W, M, C].
  const whole = tf.transpose(weight as tfjs.Tensor4D, [2, 3, 1, 0]);
  const filter = dilate(
    tf,
    whole,
    axes.map(({ dilation }) => dilation),
  );
  const [rows, columns] = filter.shape;
  const each = channels / group;
  const parts = Array.from({ length: group }, (_, g) => {
    const part = group === 1 ? image : tf.slice(image, [0, 0, 0, g * each], [batch, height, width, each]);
    const taps = group === 1 ? filter : tf.slice(filter, [0, 0, 0, g * each], [rows, columns, outputs, each]);
    const shape: [number, number, number, number] = [batch, axes[0].full, axes[1].full, outputs];
    return tf.conv2dTranspose(part, taps, shape, [strideHigh, strideWide], 'valid');
  });
  return toChannelsFirst(tf, group === 1 ? parts[0] : tf.concat(parts, 3));
}
