import { softmaxLike } from './support/softmax.js';

export const Softmax = softmaxLike('Softmax', (tf, x) => tf.softmax(x));
