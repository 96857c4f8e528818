import type { RunControl } from './progress.js';

/** What a stage takes, in seconds: `setUp` before its first step (tracing, compiling), then `perStep` each. */
export interface Pace {
  readonly setUp: number;
  readonly perStep: number;
}

/** Of the steps measured the last count, as many as this: the first find memory and caches cold. */
const COUNTED = 4;
export const MEASURED_STEPS = 1 + 2 * COUNTED;

/**
 * Paces a stage by really running a few steps of it.
 * @param work runs MEASURED_STEPS steps and throws their results away; reports each to the control it is given
 * @param counts the last of them that count: all but the first, where they differ in cost
 */
export async function measurePace(
  work: (control: RunControl) => Promise<unknown>,
  { signal }: RunControl,
  counts = COUNTED,
): Promise<Pace> {
  const start = performance.now();
  const ends: number[] = [];
  await work({ onProgress: () => ends.push(performance.now()), ...(signal ? { signal } : {}) });
  const counted = ends.slice(-1 - counts);
  const perStep = (counted[counts] - counted[0]) / counts / 1000;
  const before = (counted[0] - start) / 1000;
  return { setUp: Math.max(0, before - (ends.length - counts) * perStep), perStep };
}

/** How many steps at this pace end within so many seconds; never negative. */
export function stepsWithin(seconds: number, { setUp, perStep }: Pace): number {
  return Math.max(0, Math.floor((seconds - setUp) / perStep));
}

/** What so many steps take, in seconds. */
export function secondsFor(steps: number, { setUp, perStep }: Pace): number {
  return steps === 0 ? 0 : setUp + steps * perStep;
}

/** `42 s`, `3 min 20 s`, `1 h 5 min`. */
export function formatDuration(seconds: number): string {
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const [large, small, units] =
    whole < 3600
      ? [Math.floor(whole / 60), whole % 60, ['min', 's']]
      : [Math.floor(whole / 3600), Math.round((whole % 3600) / 60), ['h', 'min']];
  return small === 0 ? `${large} ${units[0]}` : `${large} ${units[0]} ${small} ${units[1]}`;
}
