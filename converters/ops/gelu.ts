import { defineOp, string } from './define-op.js';

/** x Phi(x): exactly by erf, or by the approximation with tanh. */
export const Gelu = defineOp('Gelu', {
  since: [20],
  inputs: [1, 1],
  outputs: [1, 1],
  attributes: { approximate: string('none', { oneOf: ['none', 'tanh'] }) },
  shape: ([x]) => [x],
  forward(tf, [x], { approximate }) {
    const curve =
      approximate === 'none'
        ? tf.erf(tf.mul(x, tf.scalar(Math.SQRT1_2)))
        : tf.tanh(
            tf.mul(
              tf.scalar(Math.sqrt(2 / Math.PI)),
              tf.add(x, tf.mul(tf.scalar(0.044715), tf.mul(x, tf.square(x)))),
            ),
          );
    return [tf.mul(tf.mul(x, tf.scalar(0.5)), tf.add(curve, tf.scalar(1)))];
  },
});
