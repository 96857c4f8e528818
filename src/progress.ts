import { DfkdError } from '../converters/errors.js';

/** One step of a stage; `terms` are the loss terms of that step by name. */
export interface ProgressEvent {
  readonly stage: string;
  readonly step: number;
  readonly steps: number;
  readonly terms?: Readonly<Record<string, number>>;
}

export type OnProgress = (event: ProgressEvent) => void;

/** What every long-running verb takes: where to report, and how to be stopped between two steps. */
export interface RunControl {
  readonly onProgress?: OnProgress;
  /** What the user should know about the run before it goes on. */
  readonly onNote?: (note: string) => void;
  readonly signal?: AbortSignal;
}

/** What every stage does between two steps: throws E_INTERRUPTED once the run has been stopped. */
export function throwIfInterrupted({ signal }: RunControl): void {
  if (signal?.aborted) throw new DfkdError('E_INTERRUPTED', 'The run was interrupted; no file was written.');
}

/** Throws E_NONFINITE, naming the step, where a loss term is NaN or infinite. `step` counts from 1. */
export function checkFinite({ stage, step, steps, terms = {} }: ProgressEvent): void {
  for (const [term, value] of Object.entries(terms)) {
    if (!Number.isFinite(value)) {
      throw new DfkdError(
        'E_NONFINITE',
        `Stage '${stage}' stopped at step ${step} of ${steps}: the ${term} loss is ${value}; ` +
          "the model's weights or its preprocessing may be wrong.",
      );
    }
  }
}
