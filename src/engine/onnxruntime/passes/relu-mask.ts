/**
 * The derivatives of ReLU and Clip, by the cheapest kernel there is. tfjs multiplies by step(x), recorded as
 * Where(x > 0, 1, 0): a bool tensor and a slow Where. HardSigmoid with a huge slope is the same function of x, and
 * vectorised (measured: a fifth to a quarter of the time).
 *
 * 1. Where(Greater(x, 0), 1, 0) -> HardSigmoid(x; alpha 1e30, beta 0). For 0 < x < 1e-30, where the slope is not
 *    steep enough, x is below the resolution of any activation.
 * 2. Where x goes through a Relu too, of the Relu's result, which is positive where x is: then x itself may go once it
 *    has been through.
 * 3. Where(And(GreaterOrEqual(x, low), LessOrEqual(x, high)), dy, 0) -> dy * HardSigmoid(x; up) * HardSigmoid(x; down),
 *    each a step at its bound as steep as float32 resolves it, and 1 at the bound itself.
 */
import type { Graph } from '../graph.js';
import { rewrite, usersOf } from '../rewrite.js';
import type { GraphNode, Value } from '../value.js';

const isScalar = (value: Value, element: number): boolean =>
  value.shape.length === 0 && value.data?.[0] === element;

export function reluMask(graph: Graph): Graph {
  const users = usersOf(graph);
  return rewrite(graph, (node, inputs, target) => {
    if (node.op !== 'Where') return undefined;
    return reluStep(node, inputs, target, users) ?? clipStep(node, inputs, target);
  });
}

function reluStep(
  node: GraphNode,
  [condition, one, zero]: readonly Value[],
  target: Graph,
  users: ReadonlyMap<Value, readonly GraphNode[]>,
): Value | undefined {
  const compare = condition.producer;
  if (compare?.op !== 'Greater' || !isScalar(compare.inputs[1], 0)) return undefined;
  if (!isScalar(one, 1) || !isScalar(zero, 0)) return undefined;
  const rectified = users.get(node.inputs[0].producer!.inputs[0])!.some(({ op }) => op === 'Relu');
  const x = rectified ? target.elementwise('Relu', [compare.inputs[0]]) : compare.inputs[0];
  return hardSigmoid(target, x, 1e30, 0);
}

function clipStep(
  node: GraphNode,
  [condition, dy, zero]: readonly Value[],
  target: Graph,
): Value | undefined {
  if (condition.producer?.op !== 'And') return undefined;
  const [low, high] = condition.producer.inputs;
  if (low.producer?.op !== 'GreaterOrEqual' || high.producer?.op !== 'LessOrEqual') return undefined;
  const [x, min] = low.producer.inputs;
  const [same, max] = high.producer.inputs;
  if (x !== same || min.data?.length !== 1 || max.data?.length !== 1 || !isScalar(zero, 0)) return undefined;
  const [up, down] = [steepness(min.data[0]), steepness(max.data[0])];
  const above = hardSigmoid(target, x, up, 1 - up * min.data[0]);
  const below = hardSigmoid(target, x, -down, 1 + down * max.data[0]);
  const inside = target.elementwise('Mul', [above, below]);
  return target.expand(target.elementwise('Mul', [inside, dy]), node.outputs[0].shape);
}

/** The power of two by which float32's steps next to the bound become 1. */
const steepness = (bound: number): number =>
  bound === 0 ? 2 ** 100 : 2 ** (22 - Math.max(0, Math.floor(Math.log2(Math.abs(bound)))));

const hardSigmoid = (graph: Graph, x: Value, alpha: number, beta: number): Value =>
  graph.elementwise('HardSigmoid', [x], 'float32', { alpha, beta });
