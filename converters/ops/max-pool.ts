import { toChannelsFirst, toChannelsLast } from '../layout.js';
import { defineOp, flag, int, optionalInts, requiredInts } from './define-op.js';
import { unsupported } from './support/shapes.js';
import { padWindow, windowAttributes, windowOf } from './support/window.js';

/** Less than any activation, and finite: -Infinity times 0 would be NaN. */
const LOWEST = -3.4e38;

export const MaxPool = defineOp('MaxPool', {
  since: [1, 8, 10, 11, 12, 22],
  inputs: [1, 1],
  outputs: [1, 2],
  attributes: {
    ...windowAttributes,
    kernel_shape: requiredInts(),
    dilations: optionalInts({ since: 10 }),
    ceil_mode: flag(0, { since: 10 }),
    storage_order: int(0, { since: 8 }),
  },
  shape([x], attributes, { outputCount }) {
    if (outputCount > 1) throw unsupported('the indices of the maxima are not supported.');
    const window = windowOf(x, attributes.kernel_shape, attributes);
    if (window.dilations.some((dilation) => dilation > 1)) {
      throw unsupported(`dilations [${window.dilations.join(', ')}] are not supported; [1, 1] are.`);
    }
    return [[x[0], x[1], ...window.output]];
  },
  forward(tf, [x], attributes) {
    const window = windowOf(x.shape, attributes.kernel_shape, attributes);
    const image = padWindow(tf, toChannelsLast(tf, x), window, LOWEST);
    return [toChannelsFirst(tf, tf.maxPool(image, [...window.kernel], [...window.strides], 'valid'))];
  },
});
