import { throwIfInterrupted, type ProgressEvent, type RunControl } from './progress.js';

export interface StageRecord {
  readonly name: string;
  readonly seconds: number;
  /** Top-1 agreement with the teacher on held-out dreams after the stage; null where it was not measured. */
  readonly agreement: number | null;
  /** Its result agreed less than the one before, which was kept. */
  readonly undone?: true;
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
  /** Runs and times one stage. */
  readonly stage: <T>(name: string, work: () => T | Promise<T>) => Promise<T>;
  /**
   * The same for a stage whose result is measured: `measure` gives the agreement it reached and is not counted in its
   * time. Below `least` the stage counts as undone.
   */
  readonly judged: <T>(
    name: string,
    work: () => T | Promise<T>,
    measure: (result: T) => Promise<number>,
    least?: number,
  ) => Promise<{ result: T; agreement: number }>;
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

  async function timed<T>(work: () => T | Promise<T>): Promise<{ result: T; seconds: number }> {
    throwIfInterrupted(control);
    const start = performance.now();
    const result = await work();
    return { result, seconds: (performance.now() - start) / 1000 };
  }

  async function stage<T>(name: string, work: () => T | Promise<T>): Promise<T> {
    const { result, seconds } = await timed(work);
    stages.push({ name, seconds, agreement: null });
    return result;
  }

  async function judged<T>(
    name: string,
    work: () => T | Promise<T>,
    measure: (result: T) => Promise<number>,
    least = 0,
  ): Promise<{ result: T; agreement: number }> {
    const { result, seconds } = await timed(work);
    const agreement = await measure(result);
    stages.push({ name, seconds, agreement, ...(agreement < least ? { undone: true } : {}) });
    return { result, agreement };
  }

  return {
    stages,
    notes,
    control,
    stage,
    judged,
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
