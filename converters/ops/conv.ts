import type * as tfjs from '@tensorflow/tfjs-core';
import { toChannelsFirst, toChannelsLast, toDepthwiseFilter, toFilter, perChannel } from '../layout.js';
import { defineOp, int, optionalInts, type Shape, type Tf } from './define-op.js';
import { attributeError, shapeError, show } from './support/shapes.js';
import { padWindow, windowAttributes, windowOf } from './support/window.js';

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
    return [[x[0], weight[0], ...windowOf(x, weight.slice(2), attributes).output]];
  },
  forward(tf, [x, weight, bias], attributes) {
    const window = windowOf(x.shape, weight.shape.slice(2), attributes);
    const image = padWindow(tf, toChannelsLast(tf, x), window, 0);
    const y = toChannelsFirst(tf, convolve(tf, image, weight, attributes.group, window));
    return [bias ? tf.add(y, perChannel(tf, bias, 4)) : y];
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

interface Steps {
  readonly strides: readonly [number, number];
  readonly dilations: readonly [number, number];
}

/** `image` is NHWC and padded, `weight` OIHW; the result is NHWC. */
function convolve(
  tf: Tf,
  image: tfjs.Tensor4D,
  weight: tfjs.Tensor,
  group: number,
  { strides: [high, wide], dilations }: Steps,
): tfjs.Tensor4D {
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

/** Spreads the taps of a filter [H, W, ., .] with zeros between: tfjs has no gradient for dilated convolutions. */
function dilate(tf: Tf, filter: tfjs.Tensor4D, dilations: readonly [number, number]): tfjs.Tensor4D {
  return dilateAxis(tf, dilateAxis(tf, filter, 0, dilations[0]), 1, dilations[1]);
}

function dilateAxis(tf: Tf, filter: tfjs.Tensor4D, axis: 0 | 1, dilation: number): tfjs.Tensor4D {
  if (dilation === 1) return filter;
  const { shape } = filter;
  const outer = axis === 0 ? 1 : shape[0];
  const inner = shape.slice(axis + 1).reduce((product, dim) => product * dim, 1);
  const taps = tf.reshape(filter, [outer, shape[axis], 1, inner]);
  const spread = tf.pad(taps, [
    [0, 0],
    [0, 0],
    [0, dilation - 1],
    [0, 0],
  ]);
  const rows = tf.reshape(spread, [outer, shape[axis] * dilation, inner]);
  const span = (shape[axis] - 1) * dilation + 1;
  const kept = tf.slice(rows, [0, 0, 0], [outer, span, inner]);
  const size = shape.map((dim, i) => (i === axis ? span : dim)) as [number, number, number, number];
  return tf.reshape(kept, size);
}
