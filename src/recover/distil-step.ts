import * as tf from '@tensorflow/tfjs-core';
import { toArrays } from '../classifier.js';
import type { Arrays, Step } from '../engine/engine.js';
import { zerosLike } from '../engine/host-tensor.js';
import { labelled } from '../engine/labels.js';
import type { Network } from '../network/network.js';
import { differentiate } from '../optimise/gradients.js';
import { lars, type LarsOptions } from '../optimise/lars.js';
import { prefixed, select } from '../prefix.js';
import { isTrainable, type Student } from '../student.js';
import { distillationLoss, featureLoss } from './losses.js';

export interface DistilStepOptions extends LarsOptions {
  readonly temperature: number;
  /** Weight of the distance between equal layers' batch-norm outputs; 0 leaves it out. */
  readonly features: number;
}

/**
 * The state of distillation. Its names: `weight:` (what is trained), `velocity:` (of that), `statistic:` (running means and
 * variances) and `mask:` before the parameter's name.
 */
export function distilState(network: Network, student: Student): Arrays {
  const state = studentState(network, student);
  return { ...state, ...prefixed('velocity:', zerosLike(select(state, 'weight:'))) };
}

/** The part of the state that is the student. */
export function studentState(network: Network, { weights, masks }: Student): Arrays {
  const kind = (name: string) =>
    isTrainable(network.parameters.get(name)!, network) ? 'weight:' : 'statistic:';
  const named = Object.entries(toArrays(network, weights)).map(([name, array]) => [kind(name) + name, array]);
  const cut = Object.entries(toArrays(network, masks)).map(([name, array]) => [`mask:${name}`, array]);
  return Object.fromEntries([...named, ...cut]) as Arrays;
}

/** The weights and statistics within a state of distillation, by parameter name. */
export function weightsOf(state: Arrays): Map<string, Float32Array> {
  const kept = Object.entries(state).filter(([name]) => /^(weight|statistic):/.test(name));
  return new Map(kept.map(([name, { data }]) => [name.slice(name.indexOf(':') + 1), data]));
}

/**
 * One update of the student, which runs in training mode (batch statistics) against the teacher in inference mode.
 * Masked weights are exactly 0 after every update.
 * input: `images` [batch, channels, height, width]; `learningRate` []. output: the loss and its terms, scalars.
 */
export function createDistilStep(network: Network, options: DistilStepOptions): Step {
  const { temperature, features } = options;
  return (state, { images, learningRate }) => {
    const teacher = network.forward(tf, {}, images);
    const statistics = select(state, 'statistic:');
    const { outputs, gradients } = differentiate(
      (weights) => {
        const student = network.forward(tf, { ...weights, ...statistics }, images, { batchNorm: 'batch' });
        const kl = distillationLoss(teacher.logits, student.logits, temperature);
        const updated = prefixed('statistic:', student.statistics);
        if (features === 0 || network.batchNorms.length === 0)
          return { loss: kl, outputs: { ...updated, loss: kl } };
        const distance = featureLoss(network, teacher, student);
        const loss = tf.add(kl, tf.mul(distance, features));
        return { loss, outputs: { ...updated, loss, kl, features: distance } };
      },
      select(state, 'weight:'),
    );

    const masks = select(state, 'mask:');
    const next = Object.entries(prefixed('mask:', masks));
    for (const [name, gradient] of Object.entries(gradients)) {
      const old = { value: state[`weight:${name}`], velocity: state[`velocity:${name}`] };
      const mask = masks[name] as tf.Tensor | undefined;
      const kept = (x: tf.Tensor) => (mask ? tf.mul(x, mask) : x);
      const { value, velocity } = labelled(tf, `the update of '${name}'`, () =>
        lars(old, kept(gradient), learningRate, options),
      );
      // What is cut as the student learns has been moving.
      next.push([`weight:${name}`, kept(value)]);
      next.push([`velocity:${name}`, velocity]);
    }
    const isOutput = (name: string) => !name.startsWith('statistic:');
    const entries = Object.entries(outputs);
    return {
      state: Object.fromEntries([...next, ...entries.filter(([name]) => !isOutput(name))]),
      output: Object.fromEntries(entries.filter(([name]) => isOutput(name))),
    };
  };
}
