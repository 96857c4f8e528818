import { unary } from './support/elementwise.js';

export const Erf = unary('Erf', { since: [9, 13], forward: (tf, x) => tf.erf(x) });
