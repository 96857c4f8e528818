import { defineOp, int } from './define-op.js';
import { pooledShape, spatialAxes } from './support/global-pool.js';
import { lpNorm } from './support/lp-norm.js';

/** The p-norm of every channel. */
export const GlobalLpPool = defineOp('GlobalLpPool', {
  since: [2, 22],
  inputs: [1, 1],
  outputs: [1, 1],
  attributes: { p: int(2) },
  shape: ([x]) => [pooledShape(x)],
  forward: (tf, [x], { p }) => [lpNorm(tf, x, spatialAxes(x.shape), p)],
});
