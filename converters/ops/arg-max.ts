import { argument } from './support/argument.js';

export const ArgMax = argument('ArgMax', 'argMax');
