import { defineOp } from './define-op.js';
import { broadcastShapes } from './support/shapes.js';

/** Of any number of broadcast inputs, element by element. */
export const Mean = defineOp('Mean', {
  since: [6, 8, 13],
  inputs: [1, Infinity],
  outputs: [1, 1],
  attributes: {},
  shape: (inputs) => [broadcastShapes(...inputs)],
  forward: (tf, inputs) => [
    tf.mul(
      inputs.reduce((a, b) => tf.add(a, b)),
      tf.scalar(1 / inputs.length),
    ),
  ],
});
