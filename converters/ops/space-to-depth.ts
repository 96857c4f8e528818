import { defineOp, requiredInt } from './define-op.js';
import { attributeError, shapeError, show } from './support/shapes.js';

/** [N, C, H, W] to [N, b b C, H / b, W / b]. */
export const SpaceToDepth = defineOp('SpaceToDepth', {
  since: [1, 13],
  inputs: [1, 1],
  outputs: [1, 1],
  attributes: { blocksize: requiredInt() },
  shape([x], { blocksize: block }) {
    if (block < 1) throw attributeError(`blocksize ${block} must be at least 1.`);
    if (x.length !== 4 || x[2] % block !== 0 || x[3] % block !== 0) {
      throw shapeError(`${show(x)} does not divide into blocks of ${block} x ${block}.`);
    }
    return [[x[0], x[1] * block ** 2, x[2] / block, x[3] / block]];
  },
  forward(tf, [x], { blocksize: block }, { outputShapes: [shape] }) {
    const [batch, channels] = x.shape;
    const apart = tf.reshape(x, [batch, channels, shape[2], block, shape[3], block]);
    return [tf.reshape(tf.transpose(apart, [0, 3, 5, 1, 2, 4]), [...shape])];
  },
});
