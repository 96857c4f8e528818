import { argument } from './support/argument.js';

export const ArgMin = argument('ArgMin', 'argMin');
