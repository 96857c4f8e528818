import * as tf from '@tensorflow/tfjs-core';
import { toArrays } from '../classifier.js';
import type { Arrays, Step } from '../engine/engine.js';
import { labelled } from '../engine/labels.js';
import type { Network } from '../network/network.js';
import { differentiate } from '../optimise/gradients.js';
import { sgd } from '../optimise/sgd.js';
import { prefixed, select } from '../prefix.js';
import { isTrainable, type Student } from '../student.js';
import { distillationLoss, featureLoss } from './losses.js';

export interface DistilStepOptions {
  readonly temperature: number;
  /** Weight of the distance between equal layers' batch-norm outputs; 0 leaves it out. */
  readonly features: number;
}

/**
 * The state of distillation. Its names: `weight:` (what is trained), `statistic:` (running means and variances), `mask:`
 * and `before:` (what is trained, as it was before the last update) before the parameter's name.
 */
export function distilState(network: Network, student: Student): Arrays {
  const state = studentState(network, student);
  return { ...state, ...prefixed('before:', select(state, 'weight:')) };
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
 * input: `images` [batch, channels, height, width]; `learningRate` and `momentum` [], as of `sgd`. output: the loss and
 * its terms, scalars.
 */
export function createDistilStep(network: Network, { temperature, features }: DistilStepOptions): Step {
  return (state, { images, learningRate, momentum }) => {
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
      const old = { value: state[`weight:${name}`], before: state[`before:${name}`] };
      const { value, before } = labelled(tf, `the update of '${name}'`, () =>
        sgd(old, gradient, learningRate, momentum),
      );
      const mask = masks[name] as tf.Tensor | undefined;
      next.push([`weight:${name}`, mask ? tf.mul(value, mask) : value]);
      next.push([`before:${name}`, before]);
    }
    const isOutput = (name: string) => !name.startsWith('statistic:');
    const entries = Object.entries(outputs);
    return {
      state: Object.fromEntries([...next, ...entries.filter(([name]) => !isOutput(name))]),
      output: Object.fromEntries(entries.filter(([name]) => isOutput(name))),
    };
  };
}
