import type * as tfjs from '@tensorflow/tfjs-core';
import { toChannelsFirst, toChannelsLast } from '../layout.js';
import { defineOp, flag, optionalInts, requiredInts, type Tf } from './define-op.js';
import { piecewiseConstant } from './support/gradients.js';
import { indicesOfMaxima, slide } from './support/sliding.js';
import {
  isPlainImage,
  padAxes,
  padWindow,
  windowAttributes,
  windowOf,
  type Window,
} from './support/window.js';

/** Less than any activation, and finite: -Infinity times 0 would be NaN. */
const LOWEST = -3.4e38;

/** The second output, where it is wanted, holds the flat index of each maximum in the input. */
export const MaxPool = defineOp('MaxPool', {
  since: [1, 8, 10, 11, 12, 22],
  inputs: [1, 1],
  outputs: [1, 2],
  attributes: {
    ...windowAttributes,
    kernel_shape: requiredInts(),
    dilations: optionalInts({ since: 10 }),
    ceil_mode: flag(0, { since: 10 }),
    storage_order: flag(0, { since: 8 }),
  },
  shape([x], attributes, { outputCount }) {
    const window = windowOf(x, attributes.kernel_shape, attributes);
    const pooled = [x[0], x[1], ...window.map(({ output }) => output)];
    return outputCount > 1 ? [pooled, pooled] : [pooled];
  },
  forward(tf, [x], attributes, { outputCount }) {
    const window = windowOf(x.shape, attributes.kernel_shape, attributes);
    // Integers, of which only constants are, pool as floats.
    const y = tf.cast(pool(tf, tf.cast(x, 'float32'), window), x.dtype);
    if (outputCount < 2) return [y];
    const columnMajor = attributes.storage_order === 1;
    const indices = piecewiseConstant(
      tf,
      (value) => indicesOfMaxima(tf, padAxes(tf, value, 2, window, LOWEST), window, columnMajor),
      x,
    );
    return [y, indices];
  },
});

function pool(tf: Tf, x: tfjs.Tensor, window: Window): tfjs.Tensor {
  if (!isPlainImage(window)) {
    return slide(tf, padAxes(tf, x, 2, window, LOWEST), window, (a, b) => tf.maximum(a, b));
  }
  const [rows, columns] = window;
  const image = padWindow(tf, toChannelsLast(tf, x), window, LOWEST);
  const pooled = tf.maxPool(image, [rows.kernel, columns.kernel], [rows.stride, columns.stride], 'valid');
  return toChannelsFirst(tf, pooled);
}
