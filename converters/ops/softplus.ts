import { unary } from './support/elementwise.js';

export const Softplus = unary('Softplus', { since: [1, 22], forward: (tf, x) => tf.softplus(x) });
