/**
 * Transposes move towards the outputs until they meet their inverse (simplify.ts removes the pair).
 *
 * 1. Pad and Slice of a Transpose: the same on the original axes, then the Transpose.
 * 2. An element-wise operator whose operands are all transposed alike, or constant scalars.
 */
import type { Graph } from '../graph.js';
import { type Visit, rewrite } from '../rewrite.js';
import type { GraphNode, Value } from '../value.js';
import { ELEMENTWISE } from './elementwise.js';

export const sinkTransposes = (graph: Graph): Graph => rewrite(graph, visit);

const visit: Visit = (node, inputs, target) => {
  const source = inputs.find((input) => input.producer?.op === 'Transpose')?.producer;
  if (source === undefined || node.outputs.length > 1) return undefined;
  const perm = source.attributes['perm'] as readonly number[];
  const moved = sink(node, inputs, perm, target);
  return moved === undefined ? undefined : target.transpose(moved, perm);
};

/** The node on untransposed operands, where `perm` takes untransposed to transposed. */
function sink(
  node: GraphNode,
  inputs: readonly Value[],
  perm: readonly number[],
  target: Graph,
): Value | undefined {
  const [output] = node.outputs;
  const shape = perm.map((_, axis) => output.shape[perm.indexOf(axis)]);
  const original = (value: Value): Value => value.producer!.inputs[0];
  if (node.op === 'Pad') {
    const pads = node.attributes['pads'] as readonly number[];
    const [before, after] = [pads.slice(0, perm.length), pads.slice(perm.length)];
    const back = (amounts: readonly number[]) => perm.map((_, axis) => amounts[perm.indexOf(axis)]);
    return target.op(
      'Pad',
      [original(inputs[0])],
      { ...node.attributes, pads: [...back(before), ...back(after)] },
      shape,
    );
  }
  if (node.op === 'Slice') {
    const axes = (node.attributes['axes'] as readonly number[]).map((axis) => perm[axis]);
    return target.op('Slice', [original(inputs[0])], { ...node.attributes, axes }, shape, output.type);
  }
  if (!ELEMENTWISE.has(node.op)) return undefined;
  const alike = (value: Value): boolean =>
    value.producer?.op === 'Transpose' && String(value.producer.attributes['perm']) === String(perm);
  const scalar = (value: Value): boolean => value.shape.length === 0;
  if (!inputs.every((value) => alike(value) || scalar(value))) return undefined;
  return target.op(
    node.op,
    inputs.map((value) => (scalar(value) ? value : original(value))),
    node.attributes,
    shape,
    output.type,
  );
}
