import { DfkdError } from '../converters/errors.js';

/** One step of a stage; `terms` are the loss terms of that step by name. */
export interface ProgressEvent {
  readonly stage: string;
  readonly step: number;
  readonly steps: number;
  readonly terms?: Readonly<Record<string, number>>;
  /** Of the stage, where its steps differ in cost; else the latest ones tell. */
  readonly secondsLeft?: number;
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
