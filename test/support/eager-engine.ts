import '#tfjs-gradients';
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { diagnoseEagerly, firstNonFinite } from '../../src/engine/non-finite.js';
import type { Arrays, CompiledStep, Engine, NonFinite, Step, Tensors } from '../../src/engine/engine.js';

/** The oracle of the compiled engine: runs every step as it is written, on tfjs' own pure-JavaScript backend. */
export async function createEagerEngine(): Promise<Engine> {
  await tf.setBackend('cpu');
  return { name: 'eager', compile: (step, { state }) => Promise.resolve(createEagerStep(step, state)) };
}

function createEagerStep(step: Step, initial: Arrays): CompiledStep {
  let state = toTensors(initial);
  let origin: NonFinite | undefined;

  function run(input: Arrays): Promise<Arrays> {
    const old = state;
    const engine = tf.engine();
    engine.startScope('step');
    const result = step(state, toTensors(input));
    engine.endScope([...Object.values(result.state), ...Object.values(result.output)]);

    checkSameForm(old, result.state);
    state = result.state;
    const output = toArrays(result.output);
    // While the old state is still there.
    const wrong = Object.values(output).some(({ data }) => firstNonFinite(data) !== undefined);
    origin = wrong ? diagnoseEagerly(tf, step, old, toTensors(input)) : undefined;
    const held = new Set(Object.values(state));
    for (const tensor of [...Object.values(old), ...Object.values(result.output)]) {
      if (!held.has(tensor)) tensor.dispose();
    }
    return Promise.resolve(output);
  }

  return {
    run,
    readState: () => Promise.resolve(toArrays(state)),
    diagnose: () => Promise.resolve(origin),
    writeState(replacement) {
      const written = toTensors(replacement);
      checkSameForm(Object.fromEntries(Object.keys(written).map((name) => [name, state[name]])), written);
      for (const name of Object.keys(written)) state[name].dispose();
      state = { ...state, ...written };
      return Promise.resolve();
    },
    dispose() {
      tf.dispose(state);
      return Promise.resolve();
    },
  };
}

function checkSameForm(before: Tensors, after: Tensors): void {
  const form = (tensors: Tensors) =>
    Object.entries(tensors)
      .map(([name, tensor]) => `${name} [${tensor.shape.join()}]`)
      .sort()
      .join('; ');
  if (form(before) !== form(after)) {
    throw new Error(`A step turned the state ${form(before)} into ${form(after)}.`);
  }
}

export function toTensors(arrays: Arrays): Record<string, tf.Tensor> {
  return Object.fromEntries(
    Object.entries(arrays).map(([name, { data, shape }]) => [
      name,
      tf.tensor(data.slice(), [...shape], 'float32'),
    ]),
  );
}

function toArrays(tensors: Tensors): Arrays {
  return Object.fromEntries(
    Object.entries(tensors).map(([name, tensor]) => [
      name,
      { shape: tensor.shape, data: Float32Array.from(tensor.dataSync()) },
    ]),
  );
}
