import { shapeError } from './support/shapes.js';
import { binary } from './support/elementwise.js';

/** Integers divide with truncation toward zero. */
export const Div = binary('Div', {
  since: [6, 7, 13, 14],
  forward: (tf, a, b) => tf.div(a, b),
  float: (a, b) => a / b,
  integer(a, b) {
    if (b === 0n) throw shapeError('an integer is divided by zero.');
    return a / b;
  },
});
