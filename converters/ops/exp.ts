import { unary } from './support/elementwise.js';

export const Exp = unary('Exp', { since: [6, 13], forward: (tf, x) => tf.exp(x), float: Math.exp });
