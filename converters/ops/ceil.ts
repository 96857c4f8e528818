import { unary } from './support/elementwise.js';

export const Ceil = unary('Ceil', { since: [6, 13], float: Math.ceil });
