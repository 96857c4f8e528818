import { throwIfInterrupted, type ProgressEvent, type RunControl } from './progress.js';

export interface StageRecord {
  readonly name: string;
  readonly seconds: number;
  /** Top-1 agreement with the teacher on held-out dreams after the stage; null where it was not measured. */
  readonly agreement: number | null;
}

/** One stage's loss terms over its steps. */
export interface LossCurve {
  readonly stage: string;
  readonly steps: readonly number[];
  /** Values by term name, one per entry of `steps`. */
  readonly terms: Readonly<Record<string, readonly number[]>>;
}

/** Keeps what a run did, stage by stage, while it goes on. */
export interface RunRecord {
  readonly stages: readonly StageRecord[];
  /** What the user was told. */
  readonly notes: readonly string[];
  /** The caller's control, with every event and note recorded on its way. */
  readonly control: RunControl & Required<Pick<RunControl, 'onNote'>>;
  /** Runs and times one stage; `measure` gives the agreement its result reached and is not counted in its time. */
  readonly stage: <T>(
    name: string,
    work: () => T | Promise<T>,
    measure?: (result: T) => Promise<number>,
  ) => Promise<T>;
  /** Agreement after the stage of this name; null where there was none. */
  agreement(name: string): number | null;
  curves(): LossCurve[];
}

export function createRunRecord({ onProgress, onNote, signal }: RunControl): RunRecord {
  const stages: StageRecord[] = [];
  const notes: string[] = [];
  const events: ProgressEvent[] = [];
  const control: RunRecord['control'] = {
    onProgress(event) {
      events.push(event);
      onProgress?.(event);
    },
    onNote(note) {
      notes.push(note);
      onNote?.(note);
    },
    ...(signal ? { signal } : {}),
  };

  async function stage<T>(
    name: string,
    work: () => T | Promise<T>,
    measure?: (result: T) => Promise<number>,
  ): Promise<T> {
    throwIfInterrupted(control);
    const start = performance.now();
    const result = await work();
    const seconds = (performance.now() - start) / 1000;
    stages.push({ name, seconds, agreement: measure ? await measure(result) : null });
    return result;
  }

  return {
    stages,
    notes,
    control,
    stage,
    agreement: (name) => stages.find((record) => record.name === name)?.agreement ?? null,
    curves: () => toCurves(events),
  };
}

/** Groups the events by stage; of each, the terms that every step has. */
function toCurves(events: readonly ProgressEvent[]): LossCurve[] {
  const stages = [...new Set(events.filter(({ terms }) => terms).map(({ stage }) => stage))];
  return stages.map((stage) => {
    const own = events.filter((event) => event.stage === stage);
    const names = Object.keys(own[0].terms ?? {}).filter((name) =>
      own.every(({ terms = {} }) => name in terms),
    );
    return {
      stage,
      steps: own.map(({ step }) => step),
      terms: Object.fromEntries(names.map((name) => [name, own.map(({ terms = {} }) => terms[name])])),
    };
  });
}
