import { unary } from './support/elementwise.js';

export const Floor = unary('Floor', { since: [6, 13], float: Math.floor });
