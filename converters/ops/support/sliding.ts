import type * as tfjs from '@tensorflow/tfjs-core';
import type { Shape, Tf } from '../define-op.js';
import type { Window, WindowAxis } from './window.js';
import { takeAlong } from './take.js';

/**
 * Combines what is under a window, wherever it stands: sums and maxima may be taken along one axis after the other.
 * For windows that tfjs' pools do not know: of any number of axes, dilated.
 * @param x [N, C, ...], padded
 */
export function slide(
  tf: Tf,
  x: tfjs.Tensor,
  window: Window,
  combine: (a: tfjs.Tensor, b: tfjs.Tensor) => tfjs.Tensor,
): tfjs.Tensor {
  return window.reduce((y, along, axis) => tapsAlong(tf, y, axis + 2, along).reduce(combine), x);
}

/** For each tap of the window along one axis, what it sees: from [..., size, ...] to [..., output, ...]. */
export function tapsAlong(
  tf: Tf,
  x: tfjs.Tensor,
  axis: number,
  { kernel, dilation, stride, output }: WindowAxis,
): tfjs.Tensor[] {
  return Array.from({ length: kernel }, (_, tap) =>
    takeAlong(tf, x, axis, { start: tap * dilation, step: stride, length: output }),
  );
}

/**
 * Where the maxima under a window are: flat indices into the unpadded x [N, C, ...], the first where several are equal.
 * @param columnMajor counts the spatial axes from the first on (MaxPool's storage_order 1)
 */
export function indicesOfMaxima(
  tf: Tf,
  padded: tfjs.Tensor,
  window: Window,
  columnMajor: boolean,
): tfjs.Tensor {
  const seen = window.reduce(
    (views, along, axis) => views.flatMap((view) => tapsAlong(tf, view, axis + 2, along)),
    [padded],
  );
  const shape = seen[0].shape;
  const [batch, channels] = shape;
  const taps = seen.length;
  const first = tf.argMax(
    tf.concat(
      seen.map((view) => tf.reshape(view, [...shape, 1])),
      shape.length,
    ),
    -1,
  );
  const chosen = tf.equal(
    tf.reshape(first, [...shape, 1]),
    tf.tensor1d(
      Int32Array.from({ length: taps }, (_, tap) => tap),
      'int32',
    ),
  );
  const local = tf.tensor(tableOf(window, columnMajor), [...shape.slice(2), taps], 'int32');
  const within = tf.sum(tf.mul(tf.cast(chosen, 'int32'), local), -1);
  const size = window.reduce((product, { input }) => product * input, 1);
  const planes = Int32Array.from({ length: batch * channels }, (_, plane) => plane * size);
  return tf.add(within, tf.tensor(planes, [batch, channels, ...window.map(() => 1)], 'int32'));
}

/** [output..., taps]: the flat index, in a plane of the input, of what each tap sees. */
function tableOf(window: Window, columnMajor: boolean): Int32Array {
  const strides = window.map((_, axis) =>
    (columnMajor ? window.slice(0, axis) : window.slice(axis + 1)).reduce(
      (size, { input }) => size * input,
      1,
    ),
  );
  const outputs = positions(window.map(({ output }) => output));
  const taps = positions(window.map(({ kernel }) => kernel));
  const indices = outputs.flatMap((at) =>
    taps.map((tap) =>
      window.reduce((index, { stride, dilation, begin }, axis) => {
        return index + strides[axis] * (at[axis] * stride + tap[axis] * dilation - begin);
      }, 0),
    ),
  );
  return Int32Array.from(indices);
}

/** All coordinates of a shape, row-major. */
function positions(shape: Shape): number[][] {
  return shape.reduce<number[][]>(
    (all, dim) => all.flatMap((at) => Array.from({ length: dim }, (_, i) => [...at, i])),
    [[]],
  );
}
