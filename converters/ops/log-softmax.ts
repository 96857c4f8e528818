import { softmaxLike } from './support/softmax.js';

export const LogSoftmax = softmaxLike('LogSoftmax', (tf, x) => tf.logSoftmax(x));
