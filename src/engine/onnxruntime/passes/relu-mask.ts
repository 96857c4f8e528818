/**
 * The derivative of a ReLU, by the cheapest kernel there is. tfjs multiplies by step(x), recorded as
 * Where(x > 0, 1, 0): a bool tensor and a slow Where. HardSigmoid with a huge slope is the same function of x, and
 * vectorised (measured: a fifth to a quarter of the time).
 *
 * 1. Where(Greater(x, 0), 1, 0) -> HardSigmoid(x; alpha 1e30, beta 0). For 0 < x < 1e-30, where the slope is not
 *    steep enough, x is below the resolution of any activation.
 * 2. Where x goes through a Relu too, of the Relu's result, which is positive where x is: then x itself may go once it
 *    has been through.
 */
import type { Graph } from '../graph.js';
import { rewrite, usersOf } from '../rewrite.js';
import type { Value } from '../value.js';

const isScalar = (value: Value, element: number): boolean =>
  value.shape.length === 0 && value.data?.[0] === element;

export function reluMask(graph: Graph): Graph {
  const users = usersOf(graph);
  return rewrite(graph, (node, inputs, target) => {
    if (node.op !== 'Where') return undefined;
    const [condition, one, zero] = inputs;
    const compare = condition.producer;
    const isStep =
      compare?.op === 'Greater' && isScalar(compare.inputs[1], 0) && isScalar(one, 1) && isScalar(zero, 0);
    if (!isStep) return undefined;
    const rectified = users.get(node.inputs[0].producer!.inputs[0])!.some(({ op }) => op === 'Relu');
    const x = rectified ? target.elementwise('Relu', [compare.inputs[0]]) : compare.inputs[0];
    return target.elementwise('HardSigmoid', [x], 'float32', { alpha: 1e30, beta: 0 });
  });
}
