import * as tf from '@tensorflow/tfjs-core';
import { setImmediate as turn } from 'node:timers/promises';
import { DfkdError } from '../../../converters/errors.js';
import { withBackend } from '../backend.js';
import type { Arrays, CompiledStep, NonFinite, Step, Tensors } from '../engine.js';
import { diagnoseEagerly, firstNonFinite } from '../non-finite.js';

/** A step as it is written, run on one of tfjs' own backends, which holds its state from run to run. */
export class EagerStep implements CompiledStep {
  private state: Tensors;
  private origin: NonFinite | undefined;

  constructor(
    private readonly backend: string,
    private readonly step: Step,
    state: Arrays,
  ) {
    this.state = withBackend(backend, () => toTensors(state));
  }

  async run(input: Arrays): Promise<Arrays> {
    // All that follows is synchronous: between steps, signals and timers get their turn.
    await turn();
    const before = this.state;
    const { state, output } = withBackend(this.backend, () =>
      tf.tidy(() => {
        const result = this.step(before, toTensors(input));
        return { state: { ...result.state }, output: { ...result.output } };
      }),
    );
    checkForm(before, state);
    const outputs = toArrays(output);
    // While the old state is still there.
    const wrong = Object.values(outputs).some(({ data }) => firstNonFinite(data) !== undefined);
    this.origin = wrong ? this.trace(before, input) : undefined;
    this.state = state;
    const held = new Set(Object.values(state));
    const done = [...Object.values(before), ...Object.values(output)];
    tf.dispose(done.filter((tensor) => !held.has(tensor)));
    return outputs;
  }

  private trace(state: Tensors, input: Arrays): NonFinite | undefined {
    return withBackend(this.backend, () => {
      tf.engine().startScope('diagnose');
      const origin = diagnoseEagerly(tf, this.step, state, toTensors(input));
      tf.engine().endScope();
      return origin;
    });
  }

  diagnose(): Promise<NonFinite | undefined> {
    return Promise.resolve(this.origin);
  }

  readState(): Promise<Arrays> {
    return Promise.resolve(toArrays(this.state));
  }

  writeState(state: Arrays): Promise<void> {
    const written = withBackend(this.backend, () => toTensors(state));
    const replaced = Object.fromEntries(Object.keys(written).map((name) => [name, this.state[name]]));
    checkForm(replaced, written);
    tf.dispose(replaced);
    this.state = { ...this.state, ...written };
    return Promise.resolve();
  }

  dispose(): Promise<void> {
    tf.dispose({ ...this.state });
    return Promise.resolve();
  }
}

/** The state keeps its names and shapes. Throws E_INTERNAL. */
function checkForm(before: Tensors, after: Tensors): void {
  const form = (tensors: Tensors) =>
    Object.entries(tensors)
      .map(([name, { shape }]) => `${name} [${shape.join()}]`)
      .sort()
      .join('; ');
  if (form(before) !== form(after))
    throw new DfkdError('E_INTERNAL', `A step turned the state ${form(before)} into ${form(after)}.`);
}

/** Copies: tfjs may keep the array it is given instead of its elements. */
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
      { shape: tensor.shape, data: tensor.dataSync<'float32'>().slice() },
    ]),
  );
}
