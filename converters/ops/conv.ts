import type * as tfjs from '@tensorflow/tfjs-core';
import { toChannelsFirst, toChannelsLast, toDepthwiseFilter, toFilter, perChannel } from '../layout.js';
import { defineOp, int, optionalInts, type Shape, type Tf } from './define-op.js';
import { attributeError, shapeError, show } from './support/shapes.js';
import { tapsAlong } from './support/sliding.js';
import { dilate, filterAt, lowerAxis, raiseAxis, stackAxis, unstackAxis } from './support/spatial.js';
import {
  padAxes,
  padWindow,
  windowAttributes,
  windowOf,
  type Window,
  type WindowAxis,
} from './support/window.js';

/** Over any number of spatial axes. */
export const Conv = defineOp('Conv', {
  since: [1, 11, 22],
  inputs: [2, 3],
  outputs: [1, 1],
  attributes: {
    ...windowAttributes,
    dilations: optionalInts(),
    kernel_shape: optionalInts(),
    group: int(1),
  },
  shape([x, weight, bias = []], attributes) {
    check(x, weight, bias, attributes);
    const window = windowOf(x, weight.slice(2), attributes);
    return [[x[0], weight[0], ...window.map(({ output }) => output)]];
  },
  forward(tf, [x, weight, bias], attributes) {
    const window = windowOf(x.shape, weight.shape.slice(2), attributes);
    const y = convolve(tf, x, weight, attributes.group, window);
    return [bias ? tf.add(y, perChannel(tf, bias, y.rank)) : y];
  },
});

interface Attributes {
  readonly group: number;
  readonly kernel_shape: readonly number[] | undefined;
}

function check(x: Shape, weight: Shape, bias: Shape, { group, kernel_shape: kernel }: Attributes): void {
  if (group < 1) throw attributeError(`group ${group} must be at least 1.`);
  if (weight.length !== x.length || x.length < 3) {
    throw shapeError(`weight ${show(weight)} does not fit input ${show(x)}.`);
  }
  if (kernel && show(kernel) !== show(weight.slice(2))) {
    throw attributeError(`kernel_shape ${show(kernel)} is not that of its weight ${show(weight)}.`);
  }
  if (weight[1] * group !== x[1] || weight[0] % group !== 0) {
    throw shapeError(`weight ${show(weight)} in ${group} groups does not fit ${x[1]} input channels.`);
  }
  if (bias.length > 0 && show(bias) !== show([weight[0]])) {
    throw shapeError(`bias ${show(bias)} must have ${weight[0]} values.`);
  }
}

/** The window along the axis that one-dimensional inputs lack. */
const STILL: WindowAxis = {
  input: 1,
  kernel: 1,
  stride: 1,
  dilation: 1,
  begin: 0,
  end: 0,
  extra: 0,
  output: 1,
};

/** x [N, C, ...] and weight [O, C / group, ...] to y [N, O, ...]. */
function convolve(tf: Tf, x: tfjs.Tensor, weight: tfjs.Tensor, group: number, window: Window): tfjs.Tensor {
  if (window.length === 1) {
    return lowerAxis(tf, convolve(tf, raiseAxis(tf, x), raiseAxis(tf, weight), group, [STILL, ...window]));
  }
  if (window.length === 2) {
    const image = padWindow(tf, toChannelsLast(tf, x), window, 0);
    return toChannelsFirst(tf, convolveImage(tf, image, weight, group, window));
  }
  // A sum over the taps of the first axis, of convolutions over the others.
  const [first, ...rest] = window;
  const parts = tapsAlong(tf, padAxes(tf, x, 2, [first], 0), 2, first).map((seen, tap) =>
    convolve(tf, unstackAxis(tf, seen), filterAt(tf, weight, tap), group, rest),
  );
  return stackAxis(
    tf,
    parts.reduce((a, b) => tf.add(a, b)),
    first.output,
  );
}

/** `image` is NHWC and padded, `weight` OIHW; the result is NHWC. */
function convolveImage(
  tf: Tf,
  image: tfjs.Tensor4D,
  weight: tfjs.Tensor,
  group: number,
  window: Window,
): tfjs.Tensor4D {
  const [high, wide] = window.map(({ stride }) => stride);
  const dilations = window.map(({ dilation }) => dilation);
  const strides: [number, number] = [high, wide];
  const [count, height, width, channels] = image.shape;
  // TensorFlow's depthwise convolution knows one stride for both directions.
  if (group > 1 && group === channels && high === wide) {
    const filter = dilate(tf, toDepthwiseFilter(tf, weight, channels), dilations);
    return tf.depthwiseConv2d(image, filter, strides, 'valid');
  }
  const filter = dilate(tf, toFilter(tf, weight), dilations);
  if (group === 1) return tf.conv2d(image, filter, strides, 'valid');

  const [rows, columns, inputs, outputs] = filter.shape;
  const each = outputs / group;
  const parts = Array.from({ length: group }, (_, g) =>
    tf.conv2d(
      tf.slice(image, [0, 0, 0, g * inputs], [count, height, width, inputs]),
      tf.slice(filter, [0, 0, 0, g * each], [rows, columns, inputs, each]),
      strides,
      'valid',
    ),
  );
  return tf.concat(parts, 3);
}
