import { unary } from './support/elementwise.js';

export const Log = unary('Log', { since: [6, 13], forward: (tf, x) => tf.log(x), float: Math.log });
