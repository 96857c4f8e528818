import { unary } from './support/elementwise.js';

export const Tanh = unary('Tanh', { since: [6, 13], forward: (tf, x) => tf.tanh(x), float: Math.tanh });
