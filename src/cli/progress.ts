import type { WriteStream } from 'node:tty';
import { createStepTimes, formatDuration, type ProgressEvent, printable } from '../index.js';

/** Between two lines of a log; a terminal's single line is rewritten much more often. */
const LOG_INTERVAL_MS = 10_000;
const TERMINAL_INTERVAL_MS = 100;

export interface Progress {
  readonly update: (event: ProgressEvent) => void;
  /** Ends the line that is being rewritten. */
  readonly end: () => void;
}

/** Shows stage, step, loss terms, steps per second and time left: one rewritten line on a terminal, else sparse lines. */
export function createProgress(stream: WriteStream): Progress {
  let stage: string | undefined;
  let times = createStepTimes();
  let last = 0;
  let shown = 0;
  let open = false;

  const update = (event: ProgressEvent) => {
    const now = performance.now();
    const begins = stage !== event.stage;
    if (begins) times = createStepTimes();
    else times.add((now - last) / 1000);
    stage = event.stage;
    last = now;
    const interval = stream.isTTY ? TERMINAL_INTERVAL_MS : LOG_INTERVAL_MS;
    if (!begins && event.step < event.steps && now - shown < interval) return;
    shown = now;
    const line = formatProgress(event, times.median());
    if (!stream.isTTY) {
      stream.write(`${line}\n`);
      return;
    }
    if (begins && open) stream.write('\n');
    stream.write(`\r\x1b[K${line.slice(0, Math.max(20, stream.columns - 1))}`);
    open = true;
  };

  const end = () => {
    if (open) stream.write('\n');
    open = false;
  };
  return { update, end };
}

/**
 * `dream 40/200  total 1.24 batchNorm 0.31  12.5 it/s  13 s left`
 * @param seconds per step, undefined before two are seen
 */
export function formatProgress(
  { stage, step, steps, terms = {}, secondsLeft }: ProgressEvent,
  seconds: number | undefined,
): string {
  const losses = Object.entries(terms).map(([name, value]) => `${name} ${value.toPrecision(3)}`);
  const left = secondsLeft ?? (seconds && seconds * (steps - step));
  const speed = [
    seconds ? `${(1 / seconds).toPrecision(3)} it/s` : '',
    left === undefined ? '' : `${formatDuration(left)} left`,
  ];
  return printable([`${stage} ${step}/${steps}`, losses.join(' '), ...speed].filter(Boolean).join('  '));
}
