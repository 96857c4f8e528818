import * as tf from '@tensorflow/tfjs-core';
import type { Arrays, HostTensor, Step } from '../engine/engine.js';
import { scalar } from '../engine/host-tensor.js';

/**
 * A step that also keeps, on the device, the batch of lowest loss: in the state, `bestImages` as they were when their
 * `loss` (all terms as weighted, of the images as they had been moved for that step) was computed, and that `bestLoss`.
 * A batch is kept whole, since its images share the statistics of the batch norms. Of equals the last is kept.
 * @param step its state holds `images`; its output, the `loss` of those before the update
 */
export function keepBest(step: Step): Step {
  return ({ bestImages, bestLoss, ...own }, input) => {
    const { state, output } = step(own, input);
    const { loss } = output;
    const isBetter = tf.cast(tf.lessEqual(loss, bestLoss), 'float32');
    const choose = (better: tf.Tensor, best: tf.Tensor) =>
      tf.add(tf.mul(better, isBetter), tf.mul(best, tf.sub(1, isBetter)));
    return {
      state: {
        ...state,
        bestImages: choose(own['images'], bestImages),
        bestLoss: tf.minimum(loss, bestLoss),
      },
      output,
    };
  };
}

/** The state that `keepBest` adds, before any loss is known. */
export function noBest(images: HostTensor): Arrays {
  // The largest float32: infinity would look like a loss that diverged.
  return { bestImages: images, bestLoss: scalar(3.4028234663852886e38) };
}
