import * as tf from '@tensorflow/tfjs-core';
import type { Activations, Network } from '../network/network.js';

/**
 * Distillation loss (arXiv 1503.02531): T^2 times the mean over the batch of KL(teacher || student), both softened by
 * the temperature T; logits [batch, classes].
 */
export function distillationLoss(teacher: tf.Tensor, student: tf.Tensor, temperature: number): tf.Tensor {
  const logTeacher = tf.logSoftmax(tf.div(teacher, temperature));
  const logStudent = tf.logSoftmax(tf.div(student, temperature));
  const divergence = tf.sum(tf.mul(tf.exp(logTeacher), tf.sub(logTeacher, logStudent)), 1);
  return tf.mul(tf.mean(divergence), temperature ** 2);
}

/** Mean over the batch norms of the squared distance of their outputs, relative to the teacher's mean square. */
export function featureLoss(network: Network, teacher: Activations, student: Activations): tf.Tensor {
  const distances = network.batchNorms.map(({ output }) => {
    const expected = teacher.values.get(output)!;
    const distance = tf.mean(tf.squaredDifference(student.values.get(output)!, expected));
    return tf.div(distance, tf.add(tf.mean(tf.square(expected)), 1e-6));
  });
  return tf.div(tf.addN(distances), distances.length);
}
