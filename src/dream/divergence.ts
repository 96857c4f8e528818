import * as tf from '@tensorflow/tfjs-core';

/**
 * Mean over the batch of the Jensen-Shannon divergence (Lin 1991) of two classifiers, both softened by the temperature,
 * in bits: 0 where they agree, at most 1; logits [batch, classes].
 *
 *     JS(p, q) = 1/2 KL(p || m) + 1/2 KL(q || m),  m = (p + q) / 2
 *
 * All of it in log space: ln m = ln p + softplus(ln q - ln p) - ln 2, finite however small p and q are. The derivatives
 * by m cancel, to (p + q) / 2m - 1 = 0 for each class; left out, none of that is left to rounding, and the gradient is
 * exact where a clamped probability has none.
 */
export function jensenShannon(first: tf.Tensor, second: tf.Tensor, temperature: number): tf.Tensor {
  const p = tf.logSoftmax(tf.div(first, temperature));
  const q = tf.logSoftmax(tf.div(second, temperature));
  const middle = withoutGradient(tf.sub(tf.add(p, tf.softplus(tf.sub(q, p))), Math.LN2));
  const towards = (from: tf.Tensor) => tf.sum(tf.mul(tf.exp(from), tf.sub(from, middle)), 1);
  return tf.div(tf.mean(tf.add(towards(p), towards(q))), 2 * Math.LN2);
}

/**
 * What stands in for cross-entropy where no class is asked for: ln(most classes a batch can show) less the mutual
 * information of image and class, H(mean p) - mean H(p) in nats. 0 where each image is surely of one class and the
 * batch shows all of them equally, so that not all images become the same class; logits [batch, classes].
 */
export function predictionEntropy(logits: tf.Tensor): tf.Tensor {
  const [batch, classes] = logits.shape;
  const logs = tf.logSoftmax(logits);
  const probabilities = tf.exp(logs);
  const perImage = tf.neg(tf.mean(tf.sum(tf.mul(probabilities, logs), 1)));
  const mean = tf.mean(probabilities, 0);
  // A class far from all images has a mean of 0, whose logarithm counts nothing.
  const overall = tf.neg(tf.sum(tf.mul(mean, tf.log(tf.add(mean, 1e-30)))));
  return tf.add(tf.sub(perImage, overall), Math.log(Math.min(batch, classes)));
}

const withoutGradient = tf.customGrad((x) => {
  const value = tf.clone(x as tf.Tensor);
  return { value, gradFunc: (dy) => tf.zerosLike(dy) };
});
