import { DfkdError } from '../converters/errors.js';
import type { Arrays, CompiledStep, NonFinite } from './engine/engine.js';
import { firstNonFinite, nonFiniteOf } from './engine/non-finite.js';

/** For the message: `at distillation step 17 of 480`, `distillation step 16`, and what the user may do about it. */
export interface Circumstances {
  readonly when: string;
  readonly previous?: string;
  readonly advice: string;
}

/** Those of one step of a stage, counted from 1. */
export function atStep(stage: string, step: number, steps: number, advice: string): Circumstances {
  return {
    when: `at ${stage} ${step} of ${steps}`,
    advice,
    ...(step > 1 ? { previous: `${stage} ${step - 1}` } : {}),
  };
}

/**
 * Checks what a step has just given; its outputs are few and small. Throws E_NONFINITE where one is NaN or infinite,
 * naming the layer that was the first to give such a value.
 */
export async function requireFiniteOutput(
  step: CompiledStep,
  output: Arrays,
  { when, previous, advice }: Circumstances,
): Promise<void> {
  for (const [name, { data }] of Object.entries(output)) {
    const value = firstNonFinite(data);
    if (value === undefined) continue;
    const cause = describe(await step.diagnose(), previous);
    throw new DfkdError('E_NONFINITE', `The ${name} turned ${value} ${when}: ${cause}; ${advice}.`);
  }
}

/** Checks a state read back: an update may overflow while the loss, computed before it, is still finite. */
export function requireFiniteState(state: Arrays, { when, advice }: Circumstances): void {
  const found = nonFiniteOf('state', state);
  if (found === undefined) return;
  throw new DfkdError(
    'E_NONFINITE',
    `A value of ${nameOf(found.name)} turned ${found.value} ${when}; ${advice}.`,
  );
}

function describe(cause: NonFinite | undefined, previous?: string): string {
  switch (cause?.origin) {
    case 'state':
      return `a value of ${nameOf(cause.name)} was already ${cause.value} ${previous ? `after ${previous}` : 'to begin with'}`;
    case 'input':
      return `the ${cause.name} given to it hold ${cause.value}`;
    case 'step':
      return `${cause.name} first gave ${cause.value}`;
    case undefined:
      return 'no single layer could be found to blame';
  }
}

/** States name a parameter after what they keep of it: `weight:conv1.weight`. */
function nameOf(state: string): string {
  const match = /^(weight|before|statistic):(.*)$/s.exec(state);
  return match === null ? `'${state}'` : `the ${match[1] === 'before' ? 'weight' : match[1]} '${match[2]}'`;
}
