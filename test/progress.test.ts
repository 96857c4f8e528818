import { describe, expect, test } from 'vitest';
import { formatProgress } from '../src/cli/progress.js';
import { createStepTimes } from '../src/step-times.js';

describe('step times', () => {
  test('are the median of the latest, so that one slow step does not count', () => {
    const times = createStepTimes();
    expect(times.median()).toBeUndefined();
    times.add(30);
    for (let i = 0; i < 10; i++) times.add(0.5);
    expect(times.median()).toBe(0.5);
    times.add(1);
    times.add(1);
    expect(times.median()).toBe(0.5);
  });

  test('follow a machine that became slower', () => {
    const times = createStepTimes();
    for (let i = 0; i < 1000; i++) times.add(1);
    for (let i = 0; i < 20; i++) times.add(3);
    expect(times.median()).toBe(3);
  });
});

describe('a line of progress', () => {
  const event = { stage: 'dream', step: 40, steps: 200, terms: { loss: 1.236 } };

  test('tells speed and time left by the time of a step', () => {
    expect(formatProgress(event, 0.08)).toBe('dream 40/200  loss 1.24  12.5 it/s  13 s left');
    expect(formatProgress(event, undefined)).toBe('dream 40/200  loss 1.24');
  });

  test('prefers the time left that the stage knows', () => {
    expect(formatProgress({ ...event, secondsLeft: 600 }, 0.08)).toMatch(/ {2}10 min left$/);
    expect(formatProgress({ ...event, secondsLeft: 182 }, 0.08)).toMatch(/ {2}3 min 2 s left$/);
    expect(formatProgress({ ...event, secondsLeft: 0 }, 0.08)).toMatch(/ {2}0 s left$/);
  });
});
