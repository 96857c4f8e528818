import { unary } from './support/elementwise.js';

export const Sqrt = unary('Sqrt', { since: [6, 13], forward: (tf, x) => tf.sqrt(x), float: Math.sqrt });
