import { beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { decodeModel } from '../converters/read.js';
import { readDuration } from '../src/cli/options.js';
import { createDreamSource } from '../src/dream/dream-source.js';
import type { Engine } from '../src/engine/engine.js';
import { createOnnxRuntimeEngine } from '../src/engine/onnxruntime/index.js';
import { formatDuration, MEASURED_STEPS, measurePace, secondsFor, stepsWithin } from '../src/estimate.js';
import { lowerModel } from '../src/network/lower.js';
import { resolvePreprocessing } from '../src/preprocess.js';
import { PRESETS } from '../src/presets.js';
import { prune } from '../src/prune/prune.js';
import { createRandom } from '../src/random.js';
import { chooseClimb, climbLadder, RUNGS } from '../src/recover/ladder.js';
import { createRunRecord } from '../src/run-record.js';
import type { Student } from '../src/student.js';
import { trainAsItIs } from '../src/trainee.js';
import { fitDreams, fitGenerator, planWork } from '../src/work-plan.js';
import { createEagerEngine } from './support/eager-engine.js';
import { createTinyNetwork } from './support/tiny-network.js';
import { TINY_PRESET } from './support/tiny-preset.js';
import { encodeTinyTeacher } from './support/tiny-teacher.js';

let engine: Engine;
beforeAll(async () => {
  engine = await createEagerEngine();
});

describe('the ladder', () => {
  const network = createTinyNetwork(8);
  const images = { shape: [32, 3, 8, 8], data: createRandom(1).gaussian(32 * 192) };

  /** Climbs with these agreements in place of measured ones, one per rung. */
  async function climb(agreements: number[]) {
    const seen: Student[] = [];
    const run = createRunRecord({});
    const pruned = { result: prune(network, { sparsity: 0.5 }), agreement: 0.5 };
    const context = {
      ...TINY_PRESET,
      engine,
      network,
      source: createDreamSource({ images }, 0, createRandom(2)),
      measure: (student: Student) => {
        seen.push(student);
        return Promise.resolve(agreements[seen.length - 1]);
      },
      pruning: null,
      distil: () => ({ ...TINY_PRESET.distil, steps: 1 }),
      run,
    };
    return {
      seen,
      run,
      pruned,
      best: await climbLadder(['reconstruct', 'statistics', 'match'], pruned, context),
    };
  }

  test('keeps the best student, the last of equals', async () => {
    const { best, seen, run } = await climb([0.6, 0.6, 0.55]);
    expect(best).toEqual({ student: seen[1], agreement: 0.6 });
    expect(run.stages).toMatchObject([
      { name: 'statistics', agreement: 0.6 },
      { name: 'match', agreement: 0.6 },
      { name: 'reconstruct', agreement: 0.55, undone: true },
    ]);
    expect(run.stages[1].undone).toBeUndefined();
  });

  test('undoes every rung that only harms', async () => {
    const { best, pruned } = await climb([0.4, 0.3, 0.2]);
    expect(best).toEqual({ student: pruned.result, agreement: 0.5 });
  });

  test('has its rungs from cheap to dear', () => {
    expect(RUNGS).toEqual(['statistics', 'match', 'reconstruct', 'distil']);
  });
});

test.each([
  // What is asked for, the schedule, sparsity and steps.
  [undefined, 'gradual', 0.9, 40, ['distil'], true],
  [undefined, 'gradual', 0.9, 39, RUNGS, false],
  [undefined, 'gradual', 0.8, 400, RUNGS, false],
  [undefined, 'one-shot', 0.9, 400, RUNGS, false],
  [['match', 'distil'], 'gradual', 0.9, 400, ['match', 'distil'], true],
  [['match'], 'gradual', 0.9, 400, ['match'], false],
] as const)(
  'asked for %s, %s, %d, %d steps: climbs %s',
  (asked, schedule, sparsity, steps, rungs, gradual) => {
    expect(chooseClimb(asked, { schedule, sparsity }, steps)).toEqual({ rungs, gradual });
  },
);

test('a budget chooses by the steps there will be: more than those of the preset, or fewer', async () => {
  const model = decodeModel(encodeTinyTeacher());
  const network = lowerModel(model, { batch: TINY_PRESET.distil.batch });
  const preprocessing = resolvePreprocessing('unit', model);
  const subject = { ...trainAsItIs({ model, network }), preprocessing, synthesis: 'generator' as const };
  const plan = (steps: number, budget: number | undefined) =>
    planWork(
      createOnnxRuntimeEngine({ threads: 1 }),
      subject,
      {
        preset: { ...TINY_PRESET, distil: { ...TINY_PRESET.distil, steps } },
        rungs: undefined,
        schedule: 'gradual',
        sparsity: 0.9,
        budget,
        elapsed: () => 0,
        dryRun: false,
        announce: true,
      },
      createRunRecord({}),
    );
  expect(await plan(10, undefined)).toMatchObject({ steps: 10, rungs: RUNGS, gradual: false });
  expect(await plan(10, 3600)).toMatchObject({ rungs: ['distil'], gradual: true });
  expect(await plan(400, 1e-3)).toMatchObject({ rungs: RUNGS, gradual: false });
});

describe('estimates', () => {
  test('the steps that fit into a time take no longer than it, and one more would', () => {
    const pace = { setUp: 2, perStep: 0.3 };
    for (const seconds of [2, 2.31, 10, 61.7]) {
      const steps = stepsWithin(seconds, pace);
      expect(secondsFor(steps, pace)).toBeLessThanOrEqual(seconds);
      expect(secondsFor(steps + 1, pace)).toBeGreaterThan(seconds);
    }
    expect(stepsWithin(1, pace)).toBe(0);
    expect(secondsFor(0, pace)).toBe(0);
  });

  test('a pace tells setting up from stepping', async () => {
    let now = 1000;
    const clock = vi.spyOn(performance, 'now').mockImplementation(() => now);
    onTestFinished(() => {
      clock.mockRestore();
    });
    const pace = await measurePace(({ onProgress }) => {
      now += 200;
      for (let step = 1; step <= MEASURED_STEPS; step++) {
        // Cold steps are part of the setting up.
        now += step <= MEASURED_STEPS / 2 ? 250 : 50;
        onProgress?.({ stage: 'test', step, steps: MEASURED_STEPS });
      }
      return Promise.resolve();
    }, {});
    // Of 9 steps the first 4 are cold and the fifth is not counted.
    expect(pace.perStep).toBeCloseTo(0.05, 9);
    expect(pace.setUp).toBeCloseTo(0.2 + 4 * 0.25 + 0.05 - 5 * 0.05, 9);
  });

  test('dreams fit the time: fewer images first, then fewer iterations', () => {
    const preset = {
      ...PRESETS.fast,
      heldOut: 100,
      dream: { ...PRESETS.fast.dream, batch: 64, count: 512, iterations: 100 },
    };
    const pace = { setUp: 1, perStep: 0.1 };
    const fit = (seconds: number) => {
      const { count, iterations } = fitDreams(preset, pace, seconds);
      return [count, iterations];
    };
    expect(fit(Infinity)).toEqual([512, 100]);
    expect(fit(81.5)).toEqual([512, 100]);
    expect(fit(51.5)).toEqual([320, 100]);
    expect(fit(16.5)).toEqual([192, 51]);
    expect(fit(0)).toEqual([192, 20]);
  });

  test('a generator and its companions are cut by the same share where time is short', () => {
    const { generator, companions } = PRESETS.standard;
    const preset = {
      generator: { ...generator, warmUp: 100 },
      companions: { ...companions, batches: 10, iterations: 40 },
    };
    const pace = { dream: { setUp: 1, perStep: 0.1 }, generator: { setUp: 2, perStep: 0.4 } };
    const fit = (seconds: number) => {
      const fitted = fitGenerator(preset, pace, seconds);
      return [fitted.companions.batches, fitted.generator.warmUp, fitted.seconds];
    };
    expect(fit(Infinity)).toEqual([10, 100, 83]);
    expect(fit(84)).toEqual([10, 100, 83]);
    expect(fit(43)).toEqual([5, 50, 43]);
    const [batches, warmUp, seconds] = fit(30);
    expect([batches, warmUp]).toEqual([3, 33]);
    expect(seconds).toBeLessThanOrEqual(30);
    // The least there is to do; no companions, and nothing to set up for them.
    expect(fit(0)).toEqual([0, 20, 10]);
  });

  test('durations are read and written in the units of people', () => {
    expect(['30s', '3m', '1.5h', '45', '2M'].map((text) => readDuration('--budget', text))).toEqual([
      30, 180, 5400, 45, 120,
    ]);
    for (const text of ['', 'm', '3 m', '-3m', '0', '3d', 'Infinity']) {
      expect(() => readDuration('--budget', text)).toThrow(/--budget must be a time such as 30s, 3m or 1h/);
    }
    expect([0.4, 59.4, 60, 200, 3600, 3900].map(formatDuration)).toEqual([
      '0 s',
      '59 s',
      '1 min',
      '3 min 20 s',
      '1 h',
      '1 h 5 min',
    ]);
  });
});
