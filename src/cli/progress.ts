import type { WriteStream } from 'node:tty';
import { type ProgressEvent, printable } from '../index.js';

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
  let stage: { name: string; start: number; first: number } | undefined;
  let shown = 0;
  let open = false;

  const update = (event: ProgressEvent) => {
    const now = performance.now();
    const begins = stage?.name !== event.stage;
    if (begins) stage = { name: event.stage, start: now, first: event.step };
    const interval = stream.isTTY ? TERMINAL_INTERVAL_MS : LOG_INTERVAL_MS;
    if (!begins && event.step < event.steps && now - shown < interval) return;
    shown = now;
    const { start, first } = stage!;
    const line = formatProgress(event, (event.step - first) / ((now - start) / 1000));
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

/** `dream 40/200  total 1.24 batchNorm 0.31  12.5 it/s  13 s left`; no speed before two steps are seen. */
export function formatProgress({ stage, step, steps, terms = {} }: ProgressEvent, perSecond: number): string {
  const losses = Object.entries(terms).map(([name, value]) => `${name} ${value.toPrecision(3)}`);
  const speed =
    Number.isFinite(perSecond) && perSecond > 0
      ? [`${perSecond.toPrecision(3)} it/s`, `${formatSeconds((steps - step) / perSecond)} left`]
      : [];
  return printable([`${stage} ${step}/${steps}`, losses.join(' '), ...speed].filter(Boolean).join('  '));
}

function formatSeconds(seconds: number): string {
  return seconds < 100 ? `${Math.ceil(seconds)} s` : `${Math.ceil(seconds / 60)} min`;
}
