import { defineOp, requiredInt, string } from './define-op.js';
import { attributeError, shapeError, show } from './support/shapes.js';

/** [N, C b b, H, W] to [N, C, H b, W b]; DCR reads the channels as [b, b, C], CRD as [C, b, b]. */
export const DepthToSpace = defineOp('DepthToSpace', {
  since: [1, 11, 13],
  inputs: [1, 1],
  outputs: [1, 1],
  attributes: {
    blocksize: requiredInt(),
    mode: string('DCR', { since: 11, oneOf: ['DCR', 'CRD'] }),
  },
  shape([x], { blocksize: block }) {
    if (block < 1) throw attributeError(`blocksize ${block} must be at least 1.`);
    if (x.length !== 4 || x[1] % block ** 2 !== 0) {
      throw shapeError(`${show(x)} has no blocks of ${block} x ${block} in its channels.`);
    }
    return [[x[0], x[1] / block ** 2, x[2] * block, x[3] * block]];
  },
  forward(tf, [x], { blocksize: block, mode }, { outputShapes: [shape] }) {
    const [batch, channels] = shape;
    const [, , height, width] = x.shape;
    const blocks =
      mode === 'CRD' // mode undefined: opset 1 knows DCR only
        ? tf.transpose(tf.reshape(x, [batch, channels, block, block, height, width]), [0, 1, 4, 2, 5, 3])
        : tf.transpose(tf.reshape(x, [batch, block, block, channels, height, width]), [0, 3, 4, 1, 5, 2]);
    return [tf.reshape(blocks, [...shape])];
  },
});
