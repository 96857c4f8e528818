/**
 * Operators over random geometry: on tfjs' own backend and compiled, the value is onnxruntime's, the gradient is the
 * same on both, and along a direction it is the central difference of the value.
 */
import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { createOnnxRuntimeEngine } from '../src/engine/onnxruntime/index.js';
import { checkForward, checkGradient, type Engines } from './support/check-operator.js';
import { createEagerEngine } from './support/eager-engine.js';
import * as arbitraries from './support/operator-arbitraries.js';
import * as imageArbitraries from './support/operator-arbitraries-images.js';
import { describeCase, type Case } from './support/operator-cases.js';

const RUNS: Readonly<Partial<Record<string, number>>> = { conv: 200, pool: 120 };
const DEFAULT_RUNS = 50;

let engines: Engines;

beforeAll(async () => {
  engines = { eager: await createEagerEngine(), compiled: createOnnxRuntimeEngine({ threads: 1 }) };
});

test.each(Object.entries({ ...arbitraries, ...imageArbitraries }))('%s', async (name, arbitrary) => {
  const check = async (item: Case) => {
    await checkForward(item, engines);
    await checkGradient(item, engines);
  };
  const result = await fc.check(fc.asyncProperty(arbitrary, check), {
    seed: 1,
    numRuns: RUNS[name] ?? DEFAULT_RUNS,
  });
  const [item] = result.counterexample ?? [];
  expect(result.failed, item && `${describeCase(item)}: ${String(result.errorInstance)}`).toBe(false);
});
