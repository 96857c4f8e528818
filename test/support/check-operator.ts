/** What every operator has to show: its value is onnxruntime's, its gradient is that of its value. */
import { expect } from 'vitest';
import type { Arrays, CompiledStep, Engine, HostTensor } from '../../src/engine/engine.js';
import { floats, type Case } from './operator-cases.js';
import {
  gradientStep,
  hostInputs,
  operatorOf,
  runInOnnxRuntime,
  runOnEngine,
  weightName,
  type Operator,
} from './operator-step.js';
import { expectClose } from './run-graph.js';

export interface Engines {
  /** tfjs' own JavaScript backend. */
  readonly eager: Engine;
  /** The one that users get. */
  readonly compiled: Engine;
}

/** Both engines give what onnxruntime gives for the model itself. */
export async function checkForward(item: Case, { eager, compiled }: Engines): Promise<void> {
  const operator = operatorOf(item);
  if (operator === undefined) return;
  const expected = await runInOnnxRuntime(item);
  for (const engine of [eager, compiled]) {
    const outputs = await runOnEngine(engine, operator);
    expect(outputs).toHaveLength(expected.length);
    outputs.forEach(({ shape, data }, i) => {
      expectClose({ type: 'float', dims: shape, data }, expected[i], 1e-5, 1e-5);
    });
  }
}

/**
 * Shift of the central differences: (L(x + h d) - L(x - h d)) / 2 h. Inputs and directions are coarse enough (floats
 * in operator-cases.ts) that x + h d is exact in float32, and no kink is within h of them.
 */
const STEP = 2 ** -10;

/**
 * Both engines give the same gradient, and along a direction it is the central difference of the compiled engine's
 * own output.
 */
export async function checkGradient(item: Case, { eager, compiled }: Engines): Promise<void> {
  const operator = operatorOf(item)!;
  const input = withWeights(hostInputs(operator.inputs), await runOnEngine(eager, operator));
  const step = gradientStep(operator);
  const reference = await eager.compile(step, { state: {}, input });
  const run = await compiled.compile(step, { state: {}, input });
  const expected = await reference.run(input);
  const actual = copy(await run.run(input));
  for (const name of Object.keys(expected)) expectSame(name, actual[name], expected[name]);
  await checkDifferences(run, operator, input, actual);
  await run.dispose();
}

/** The inputs, and the weight of each output in the loss of gradientStep. */
export function withWeights(input: Arrays, outputs: readonly HostTensor[]): Record<string, HostTensor> {
  const weights = outputs.map(({ shape }, i): [string, HostTensor] => {
    // Of order 1 whatever the size, so that no weight drowns the others.
    const data = (floats(shape, 10 + i).data as Float32Array).map((x, _, { length }) => (x * 64) / length);
    return [weightName(i), { shape, data }];
  });
  return { ...input, ...Object.fromEntries(weights) };
}

async function checkDifferences(
  run: CompiledStep,
  { inputs }: Operator,
  input: Arrays,
  output: Arrays,
): Promise<void> {
  const names = Object.keys(input).filter((name) => inputs.get(name)?.type === 'float');
  const directions = new Map(names.map((name, i) => [name, directionOf(input[name], i)]));
  const lossAt = async (by: number) => {
    const shifted = Object.fromEntries(
      names.map((name) => {
        const { shape, data } = input[name];
        return [name, { shape, data: data.map((x, i) => x + by * directions.get(name)![i]) }];
      }),
    );
    return lossOf(input, await run.run({ ...input, ...shifted }), (product) => product);
  };
  const difference = ((await lossAt(STEP)) - (await lossAt(-STEP))) / (2 * STEP);
  const products = names.flatMap((name) =>
    Array.from(output[name].data, (gradient, i) => gradient * directions.get(name)![i]),
  );
  const slope = products.reduce((sum, product) => sum + product, 0);
  // A loss is off by the rounding of its terms (2^-24 each, twice for the few operations behind one), and the
  // quotient by h^2 / 6 times a third derivative, next to nothing for functions as tame as these.
  const rounding = (lossOf(input, output, Math.abs) * 2 ** -23) / STEP;
  const size = products.reduce((sum, product) => sum + Math.abs(product), 0);
  expect(Math.abs(slope - difference), `slope ${slope}, difference ${difference}`).toBeLessThanOrEqual(
    rounding + 2e-4 * size,
  );
}

/** Multiples of 1/8 in [-1, 1], all different from 0. */
function directionOf({ data }: HostTensor, seed: number): Float32Array {
  const order = floats([data.length], 20 + seed).data as Float32Array;
  return order.map((x) => {
    const eighths = ((Math.round(Math.abs(x) * 64) % 8) + 1) / 8;
    return x > 0 ? eighths : -eighths;
  });
}

/** In float64. */
function lossOf(input: Arrays, output: Arrays, term: (product: number) => number): number {
  let sum = 0;
  for (let i = 0; String(i) in output; i++) {
    const { data } = input[weightName(i)];
    output[i].data.forEach((y, at) => (sum += term(y * data[at])));
  }
  return sum;
}

function copy(output: Arrays): Arrays {
  return Object.fromEntries(
    Object.entries(output).map(([name, { shape, data }]) => [name, { shape, data: data.slice() }]),
  );
}

/**
 * To 1e-4 of the tensor's largest element: a sum of terms of that size cannot be more exact in float32.
 * @param scale the size of those terms, where they may cancel in every element
 */
export function expectSame(name: string, actual: HostTensor, expected: HostTensor, scale = 0): void {
  expect(actual.shape, name).toEqual(expected.shape);
  const largest = Math.max(scale, largestOf(expected));
  expected.data.forEach((value, i) => {
    if (!(Math.abs(actual.data[i] - value) <= 1e-4 * largest)) {
      expect.fail(`${name}[${i}]: ${actual.data[i]} instead of ${value} (largest ${largest})`);
    }
  });
}

export function largestOf({ data }: HostTensor): number {
  return data.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
}
