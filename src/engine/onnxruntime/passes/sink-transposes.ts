/**
 * Transposes move towards the outputs until they meet their inverse (simplify.ts removes the pair).
 *
 * 1. Pad and Slice of a Transpose: the same on the original axes, then the Transpose. Between maps of one pixel a Reshape
 *    is one.
 * 2. An element-wise operator whose operands are all transposed alike, or constant scalars.
 */
import type { Graph } from '../graph.js';
import { type Visit, rewrite } from '../rewrite.js';
import { type GraphNode, type Value, sameShape } from '../value.js';
import { ELEMENTWISE } from './elementwise.js';

/** NCHW to NHWC, and back. */
const [TO_LAST, TO_FIRST] = [
  [0, 2, 3, 1],
  [0, 3, 1, 2],
] as const;

export const sinkTransposes = (graph: Graph): Graph => rewrite(graph, visit);

const visit: Visit = (node, inputs, target) => {
  if (node.outputs.length > 1) return undefined;
  const perm =
    inputs.map(permutation).find((found) => found !== undefined) ??
    (node.op === 'Pad' || node.op === 'Slice' ? ofOnePixel(inputs[0]) : undefined);
  if (perm === undefined) return undefined;
  const moved = sink(node, inputs, perm, target);
  return moved === undefined ? undefined : target.transpose(moved, perm);
};

const permutation = ({ producer }: Value): readonly number[] | undefined =>
  producer?.op === 'Transpose' ? (producer.attributes['perm'] as readonly number[]) : undefined;

/** What a Reshape of [N,C,1,1] to [N,1,1,C], or back, amounts to. */
function ofOnePixel({ producer, shape }: Value): readonly number[] | undefined {
  const from = producer?.op === 'Reshape' ? producer.inputs[0].shape : [];
  if (from.length !== 4 || from.slice(1).filter((dim) => dim > 1).length > 1) return undefined;
  const permute = (perm: readonly number[]): number[] => perm.map((axis) => from[axis]);
  return [TO_LAST, TO_FIRST].find((perm) => sameShape(permute(perm), shape));
}

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
