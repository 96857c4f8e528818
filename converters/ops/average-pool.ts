import type * as tfjs from '@tensorflow/tfjs-core';
import { toChannelsFirst, toChannelsLast } from '../layout.js';
import { defineOp, flag, optionalInts, requiredInts, type Tf } from './define-op.js';
import { unsupported } from './support/shapes.js';
import { padWindow, windowAttributes, windowOf, type Window } from './support/window.js';

export const AveragePool = defineOp('AveragePool', {
  since: [7, 10, 11, 19, 22],
  inputs: [1, 1],
  outputs: [1, 1],
  attributes: {
    ...windowAttributes,
    kernel_shape: requiredInts(),
    dilations: optionalInts({ since: 19 }),
    ceil_mode: flag(0, { since: 10 }),
    count_include_pad: flag(0),
  },
  shape([x], attributes) {
    const window = windowOf(x, attributes.kernel_shape, attributes);
    if (window.dilations.some((dilation) => dilation > 1)) {
      throw unsupported(`dilations [${window.dilations.join(', ')}] are not supported; [1, 1] are.`);
    }
    return [[x[0], x[1], ...window.output]];
  },
  forward(tf, [x], attributes) {
    const window = windowOf(x.shape, attributes.kernel_shape, attributes);
    const image = padWindow(tf, toChannelsLast(tf, x), window, 0);
    const mean = toChannelsFirst(tf, tf.avgPool(image, [...window.kernel], [...window.strides], 'valid'));
    const correction = correctionOf(tf, window, attributes.count_include_pad === 1);
    return [correction ? tf.mul(mean, correction) : mean];
  },
});

/** [1, 1, H, W]: kernel size / elements that count, where they differ anywhere. ceil_mode's padding never counts. */
function correctionOf(tf: Tf, window: Window, includePad: boolean): tfjs.Tensor4D | undefined {
  const [rows, columns] = [0, 1].map((axis) => countsAlong(window, axis, includePad));
  const full = window.kernel[0] * window.kernel[1];
  const factors = rows.flatMap((row) => columns.map((column) => full / (row * column)));
  if (factors.every((factor) => factor === 1)) return undefined;
  return tf.tensor4d(factors, [1, 1, rows.length, columns.length]);
}

function countsAlong(window: Window, axis: number, includePad: boolean): number[] {
  const [kernel, begin, size] = [window.kernel[axis], window.begin[axis], window.input[axis]];
  const [first, last] = includePad ? [0, begin + size + window.end[axis]] : [begin, begin + size];
  return Array.from({ length: window.output[axis] }, (_, i) => {
    const start = i * window.strides[axis];
    return Math.min(start + kernel, last) - Math.max(start, first);
  });
}
