import type * as tfjs from '@tensorflow/tfjs-core';
import { toChannelsFirst, toChannelsLast } from '../layout.js';
import { defineOp, flag, optionalInts, requiredInts, type Tf } from './define-op.js';
import { slide } from './support/sliding.js';
import {
  isPlainImage,
  padAxes,
  padWindow,
  windowAttributes,
  windowOf,
  type Window,
  type WindowAxis,
} from './support/window.js';

export const AveragePool = defineOp('AveragePool', {
  since: [1, 7, 10, 11, 19, 22],
  inputs: [1, 1],
  outputs: [1, 1],
  attributes: {
    ...windowAttributes,
    kernel_shape: requiredInts(),
    dilations: optionalInts({ since: 19 }),
    ceil_mode: flag(0, { since: 10 }),
    count_include_pad: flag(0, { since: 7 }),
  },
  shape([x], attributes) {
    const window = windowOf(x, attributes.kernel_shape, attributes);
    return [[x[0], x[1], ...window.map(({ output }) => output)]];
  },
  forward(tf, [x], attributes) {
    const window = windowOf(x.shape, attributes.kernel_shape, attributes);
    const counts = countsOf(window, attributes.count_include_pad === 1);
    if (!isPlainImage(window)) {
      const sum = slide(tf, padAxes(tf, x, 2, window, 0), window, (a, b) => tf.add(a, b));
      return [weigh(tf, sum, window, counts, 1)];
    }
    const [rows, columns] = window;
    const image = padWindow(tf, toChannelsLast(tf, x), window, 0);
    const mean = tf.avgPool(image, [rows.kernel, columns.kernel], [rows.stride, columns.stride], 'valid');
    return [weigh(tf, toChannelsFirst(tf, mean), window, counts, rows.kernel * columns.kernel)];
  },
});

/** y times weight / counts, [N, C, output...]. */
function weigh(
  tf: Tf,
  y: tfjs.Tensor,
  window: Window,
  counts: readonly number[],
  weight: number,
): tfjs.Tensor {
  const factors = counts.map((count) => weight / count);
  if (factors.every((factor) => factor === 1)) return y;
  return tf.mul(y, tf.tensor(factors, [1, 1, ...window.map(({ output }) => output)]));
}

/** How many elements count at each output, row-major. ceil_mode's padding never counts. */
function countsOf(window: Window, includePad: boolean): number[] {
  return window.reduce<number[]>(
    (counts, along) =>
      counts.flatMap((outer) => countsAlong(along, includePad).map((inner) => outer * inner)),
    [1],
  );
}

function countsAlong(along: WindowAxis, includePad: boolean): number[] {
  const { kernel, stride, dilation, begin, input, output } = along;
  const [first, last] = includePad ? [0, begin + input + along.end] : [begin, begin + input];
  return Array.from({ length: output }, (_, i) => {
    const taps = Array.from({ length: kernel }, (__, tap) => i * stride + tap * dilation);
    return taps.filter((at) => at >= first && at < last).length;
  });
}
