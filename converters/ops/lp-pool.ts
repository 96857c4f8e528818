import { defineOp, flag, int, optionalInts, requiredInts } from './define-op.js';
import { powerOfSize, rootOf } from './support/lp-norm.js';
import { slide } from './support/sliding.js';
import { padAxes, windowAttributes, windowOf } from './support/window.js';

/** The p-norm under a window. */
export const LpPool = defineOp('LpPool', {
  since: [2, 11, 18, 22],
  inputs: [1, 1],
  outputs: [1, 1],
  attributes: {
    ...windowAttributes,
    kernel_shape: requiredInts(),
    dilations: optionalInts({ since: 18 }),
    ceil_mode: flag(0, { since: 18 }),
    p: int(2),
  },
  shape([x], attributes) {
    const window = windowOf(x, attributes.kernel_shape, attributes);
    return [[x[0], x[1], ...window.map(({ output }) => output)]];
  },
  forward(tf, [x], attributes) {
    const window = windowOf(x.shape, attributes.kernel_shape, attributes);
    const powers = padAxes(tf, powerOfSize(tf, x, attributes.p), 2, window, 0);
    return [
      rootOf(
        tf,
        slide(tf, powers, window, (a, b) => tf.add(a, b)),
        attributes.p,
      ),
    ];
  },
});
