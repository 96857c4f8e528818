import { unary } from './support/elementwise.js';

export const Sigmoid = unary('Sigmoid', { since: [6, 13], forward: (tf, x) => tf.sigmoid(x) });
