import type { Layer, Network } from '../network/network.js';
import type { Student } from '../student.js';
import { solveCholesky } from './cholesky.js';

export interface SolveOptions {
  readonly ridge: number;
  readonly mostSolved: number;
}

/**
 * The weight of a layer whose kept elements solve the ridge-regularised normal equations of their output channel,
 * (G + r I) w = c + r w0, restricted to what is kept and not held; w0 is the weight as it is. Float64 throughout.
 * @param equations sums as NormalEquations has them, row-major
 */
export function solveRows(
  network: Network,
  layer: Layer,
  student: Student,
  { gram, cross }: { readonly gram: Float32Array; readonly cross: Float32Array },
  { ridge, mostSolved }: SolveOptions,
): Float32Array {
  const { weight, group, outputAxis, inputAxis, window } = layer;
  const { dims } = network.parameters.get(weight)!;
  const strideOf = (axis: number) => dims.slice(axis + 1).reduce((product, dim) => product * dim, 1);
  const outputs = dims[outputAxis];
  const inputs = dims.reduce((product, dim) => product * dim, 1) / outputs;
  // Behind an output channel of a convolution, its inputs lie side by side; those of a matrix may lie apart.
  const distance = window ? 1 : strideOf(inputAxis);
  const solved = student.weights.get(weight)!.slice();
  const mask = student.masks.get(weight);

  for (let output = 0; output < outputs; output++) {
    const place = (input: number) => output * strideOf(outputAxis) + input * distance;
    const kept = Array.from({ length: inputs }, (_, input) => input).filter(
      (input) => mask?.[place(input)] !== 0,
    );
    const g = Math.floor(output / (outputs / group));
    const equations: Row = {
      gram: (a, b) => gram[(g * inputs + a) * inputs + b],
      cross: (a) => cross[(g * inputs + a) * (outputs / group) + (output % (outputs / group))],
      weight: (a) => solved[place(a)],
    };
    const { free, values } = solveRow(equations, kept, inputs, ridge, mostSolved);
    free.forEach((input, i) => (solved[place(input)] = values[i]));
  }
  return solved;
}

/** The equations of one output channel, by input. */
interface Row {
  readonly gram: (a: number, b: number) => number;
  readonly cross: (a: number) => number;
  readonly weight: (a: number) => number;
}

function solveRow(
  { gram, cross, weight }: Row,
  kept: readonly number[],
  inputs: number,
  ridge: number,
  mostSolved: number,
): { free: readonly number[]; values: Float64Array } {
  const byMagnitude = [...kept].sort((a, b) => Math.abs(weight(b)) - Math.abs(weight(a)) || a - b);
  const [free, held] = [byMagnitude.slice(0, mostSolved), byMagnitude.slice(mostSolved)];
  let trace = 0;
  for (let a = 0; a < inputs; a++) trace += gram(a, a);
  const pull = (ridge * trace) / inputs;
  const n = free.length;
  const matrix = new Float64Array(n * n);
  const values = new Float64Array(n);
  free.forEach((a, i) => {
    for (let j = 0; j <= i; j++) matrix[i * n + j] = gram(a, free[j]);
    matrix[i * n + i] += pull;
    values[i] = cross(a) + pull * weight(a);
    for (const b of held) values[i] -= gram(a, b) * weight(b);
  });
  // Without any input there is nothing to learn from.
  return solveCholesky(matrix, values) ? { free, values } : { free: [], values };
}
