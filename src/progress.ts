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
  readonly signal?: AbortSignal;
}
