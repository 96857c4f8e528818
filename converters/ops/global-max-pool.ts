import { defineOp } from './define-op.js';
import { extremum } from './support/gradients.js';
import { pooledShape, spatialAxes } from './support/global-pool.js';

export const GlobalMaxPool = defineOp('GlobalMaxPool', {
  since: [1, 22],
  inputs: [1, 1],
  outputs: [1, 1],
  attributes: {},
  shape: ([x]) => [pooledShape(x)],
  forward: (tf, [x]) => [extremum(tf, 'max', x, spatialAxes(x.shape))],
});
