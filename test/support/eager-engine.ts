import '#tfjs-gradients';
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import type { Engine } from '../../src/engine/engine.js';
import { EagerStep } from '../../src/engine/tensorflow/eager-step.js';

export { toTensors } from '../../src/engine/tensorflow/eager-step.js';

/** The oracle of the compiled engine: runs every step as it is written, on tfjs' own pure-JavaScript backend. */
export async function createEagerEngine(): Promise<Engine> {
  await tf.setBackend('cpu');
  return {
    name: 'eager',
    compile: (step, { state }) => Promise.resolve(new EagerStep('cpu', step, state)),
  };
}
