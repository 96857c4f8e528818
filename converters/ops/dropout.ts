import { defineOp, flag, float, optionalInt } from './define-op.js';

/** Read as inference, whatever the file says: the output is the input, and the mask keeps everything. */
export const Dropout = defineOp('Dropout', {
  since: [6, 7, 10, 12, 13, 22],
  inputs: [1, 3],
  outputs: [1, 2],
  constantInputs: [1, 2],
  attributes: {
    ratio: float(0.5, { before: 12 }),
    seed: optionalInt({ since: 12 }),
    is_test: flag(0, { before: 7 }),
  },
  shape: ([x]) => [x, x],
  forward: (tf, [x]) => [x, tf.cast(tf.onesLike(x), 'bool')],
});
