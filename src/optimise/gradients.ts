import * as tf from '@tensorflow/tfjs-core';
import type { Tensors } from '../engine/engine.js';
import { labelled } from '../engine/labels.js';

/** A scalar to differentiate, and whatever else its computation yields. */
export interface Objective {
  readonly loss: tf.Tensor;
  readonly outputs: Tensors;
}

/** The value of `objective` at `xs` and its gradient by every one of `xs`, keyed as they are. */
export function differentiate(
  objective: (xs: Tensors) => Objective,
  xs: Tensors,
): Objective & { readonly gradients: Tensors } {
  const names = Object.keys(xs);
  let outputs: Tensors = {};
  const { value, grads } = tf.valueAndGrads((...tensors: tf.Tensor[]) => {
    const result = labelled(tf, 'the loss', () => objective(named(names, tensors)));
    // The scope of the gradient ends before the caller reads these.
    for (const output of Object.values(result.outputs)) tf.keep(output);
    outputs = result.outputs;
    return result.loss;
  })(Object.values(xs));
  return { loss: value, outputs, gradients: named(names, grads) };
}

function named(names: readonly string[], tensors: readonly tf.Tensor[]): Tensors {
  return Object.fromEntries(names.map((name, i) => [name, tensors[i]]));
}
