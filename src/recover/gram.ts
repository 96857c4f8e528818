import * as tf from '@tensorflow/tfjs-core';
import { tapsAlong } from '../../converters/ops/support/sliding.js';
import { padAxes, type WindowAxis } from '../../converters/ops/support/window.js';
import { takeAlong } from '../../converters/ops/support/take.js';
import type { Layer } from '../network/network.js';

/**
 * What the rows of a layer's weight are multiplied with, and what should come out.
 * `gram` [group, inputs, inputs], the sum of x x' over all positions of all images; `cross` [group, inputs, outputs], of
 * x y'. `inputs` are those of one output: input channels of its group times kernel positions, in the weight's order.
 */
export interface NormalEquations {
  readonly gram: tf.Tensor;
  readonly cross: tf.Tensor;
}

export interface GramOptions {
  /** Positions per batch to use at most, about: of more, every second, third, ... along each axis. */
  readonly positions: number;
  /** Whether only deviations from the mean over the batch count: a batch norm behind the layer sets the mean. */
  readonly centred: boolean;
}

/**
 * The normal equations of `layer` on one batch.
 * @param x what the layer reads: [N, C, ...] before a convolution, [..., C] before a matrix
 * @param y what it should yield, without bias: [N, O, ...] or [..., O]
 */
export function normalEquations(
  layer: Pick<Layer, 'group' | 'window'>,
  x: tf.Tensor,
  y: tf.Tensor,
  { positions, centred }: GramOptions,
): NormalEquations {
  const [inputs, outputs] = layer.window
    ? spatialRows(x, y, layer.group, layer.window, positions)
    : [toColumns(x), toColumns(y)];
  const centre = (rows: tf.Tensor) => (centred ? tf.sub(rows, tf.mean(rows, -1, true)) : rows);
  const seen = centre(inputs);
  return {
    gram: tf.matMul(seen, seen, false, true),
    cross: tf.matMul(seen, centre(outputs), false, true),
  };
}

/** [..., C] to [1, C, positions]. */
function toColumns(x: tf.Tensor): tf.Tensor {
  const channels = x.shape[x.rank - 1];
  return tf.reshape(tf.transpose(tf.reshape(x, [-1, channels])), [1, channels, -1]);
}

/** Inputs [group, inputs, positions] and outputs [group, outputs, positions] of a convolution. */
function spatialRows(
  x: tf.Tensor,
  y: tf.Tensor,
  group: number,
  window: readonly WindowAxis[],
  positions: number,
): [tf.Tensor, tf.Tensor] {
  const [batch, channels] = x.shape;
  const all = window.reduce((product, { output }) => product * output, batch);
  const skip = Math.max(1, Math.round((all / positions) ** (1 / window.length)));
  const sparse = window.map((axis) => ({
    ...axis,
    stride: axis.stride * skip,
    output: Math.ceil(axis.output / skip),
  }));

  const taps = sparse.reduce<tf.Tensor[]>(
    (views, along, axis) => views.flatMap((view) => tapsAlong(tf, view, axis + 2, along)),
    [padAxes(tf, x, 2, window, 0)],
  );
  const places = sparse.reduce((product, { output }) => product * output, 1);
  // [N, C, taps, places], then channels and taps before images and places.
  const stacked = tf.concat(
    taps.map((tap) => tf.reshape(tap, [batch, channels, 1, places])),
    2,
  );
  const inputs = tf.reshape(tf.transpose(stacked, [1, 2, 0, 3]), [group, -1, batch * places]);
  const seen = sparse.reduce(
    (view, { output }, axis) => takeAlong(tf, view, axis + 2, { start: 0, step: skip, length: output }),
    y,
  );
  const flat = tf.transpose(tf.reshape(seen, [batch, -1, places]), [1, 0, 2]);
  return [inputs, tf.reshape(flat, [group, -1, batch * places])];
}
