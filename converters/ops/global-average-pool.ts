import { defineOp } from './define-op.js';
import { pooledShape, spatialAxes } from './support/global-pool.js';

export const GlobalAveragePool = defineOp('GlobalAveragePool', {
  since: [1, 22],
  inputs: [1, 1],
  outputs: [1, 1],
  attributes: {},
  shape: ([x]) => [pooledShape(x)],
  forward: (tf, [x]) => [tf.mean(x, spatialAxes(x.shape), true)],
});
