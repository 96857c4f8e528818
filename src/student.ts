import { roundTo } from '../converters/half.js';
import type { Network, Parameter } from './network/network.js';

/** What pruning and recovery change: float weights and 0/1 masks, both keyed by parameter name. */
export interface Student {
  /** Every trainable parameter and batch-norm statistic of the network, masked weights exactly 0. */
  readonly weights: ReadonlyMap<string, Float32Array>;
  /** 1 keeps, 0 prunes; same length as the weight of that name. */
  readonly masks: ReadonlyMap<string, Float32Array>;
}

/**
 * Whether gradient descent changes the parameter: what is pruned, and batch norm, which makes up for it. Biases of
 * convolutions and linear layers stay as they are in the file, like everything that recovery does not need, unless
 * there is no batch norm.
 */
export function isTrainable({ role }: Parameter, { batchNorms }: Pick<Network, 'batchNorms'>): boolean {
  if (role === 'bias') return batchNorms.length === 0;
  return role === 'weight' || role === 'scale' || role === 'offset';
}

/** Whether the parameter is a running mean or variance of a batch norm. */
export function isStatistic({ role }: Parameter): boolean {
  return role === 'mean' || role === 'variance';
}

/** The teacher itself as a student: its parameters copied, nothing masked. */
export function copyTeacher(network: Network): Student {
  const weights = new Map<string, Float32Array>();
  for (const parameter of network.parameters.values()) {
    if (isTrainable(parameter, network) || isStatistic(parameter))
      weights.set(parameter.name, parameter.data.slice());
  }
  return { weights, masks: new Map() };
}

/** The student with some weights replaced; masked ones are set to 0.0 (never -0.0). */
export function replaceWeights(student: Student, changed: ReadonlyMap<string, Float32Array>): Student {
  const weights = new Map(student.weights);
  for (const [name, values] of changed) {
    const mask = student.masks.get(name);
    weights.set(name, mask ? values.map((value, i) => (mask[i] === 0 ? 0 : value)) : values);
  }
  return { weights, masks: student.masks };
}

/** The student as the file will hold it: every weight rounded to the type that the file stores it in. */
export function roundStudent({ parameters }: Network, { weights, masks }: Student): Student {
  const rounded = Array.from(
    weights,
    ([name, values]) => [name, roundTo(parameters.get(name)!.type, values)] as const,
  );
  return { weights: new Map(rounded), masks };
}

/** Share of exact zeros among the weights that pruning may mask. */
export function measureSparsity(network: Network, { weights }: Student): number {
  let zeros = 0;
  let total = 0;
  for (const name of network.prunable) {
    const values = weights.get(name)!;
    total += values.length;
    for (const value of values) if (value === 0) zeros++;
  }
  return total === 0 ? 0 : zeros / total;
}
