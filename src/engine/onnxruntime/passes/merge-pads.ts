/**
 * Pads become attributes of the window operator that reads them.
 *
 * 1. Conv and ConvFilterGradient of a zero Pad over the two spatial axes take over its pads; MaxPool likewise of a Pad with the lowest
 *    float or -infinity.
 * 2. A spatial Slice of an input gradient (the gradient of such a Pad), computed by Conv or ConvTranspose, crops by
 *    smaller (Conv) or larger (ConvTranspose) pads instead.
 */
import type { Graph } from '../graph.js';
import { type Visit, rewrite, usersOf } from '../rewrite.js';
import type { GraphNode, Value } from '../value.js';

export function mergePads(graph: Graph): Graph {
  const users = usersOf(graph);
  const visit: Visit = (node, inputs, target) => {
    switch (node.op) {
      case 'Conv':
      case 'ConvFilterGradient':
        return mergeInto(node, inputs, target, (value) => value === 0);
      case 'MaxPool':
        return mergeInto(node, inputs, target, (value) => value <= -3.4e38);
      case 'Slice':
        return (users.get(node.inputs[0])?.length ?? 0) === 1 ? crop(node, inputs[0], target) : undefined;
      default:
        return undefined;
    }
  };
  return rewrite(graph, visit);
}

/** [top, left, bottom, right] of a Pad or Slice that touches the last two of four axes only. */
type Margins = readonly [number, number, number, number];

function marginsOfPad({ attributes }: GraphNode): Margins | undefined {
  const pads = attributes['pads'] as readonly number[];
  if (pads.length !== 8 || attributes['mode'] !== 'constant') return undefined;
  return pads[0] || pads[1] || pads[4] || pads[5] ? undefined : [pads[2], pads[3], pads[6], pads[7]];
}

function mergeInto(
  node: GraphNode,
  inputs: readonly Value[],
  target: Graph,
  accepts: (value: number) => boolean,
): readonly Value[] | undefined {
  const padNode = inputs[0].producer;
  if (padNode?.op !== 'Pad' || !accepts(padNode.attributes['value'] as number)) return undefined;
  const margins = marginsOfPad(padNode);
  if (margins === undefined || margins.some((margin) => margin < 0)) return undefined;
  const pads = (node.attributes['pads'] as readonly number[]).map((amount, side) => amount + margins[side]);
  // onnxruntime wants a pool's pads smaller than its kernel.
  const kernel = node.attributes['kernel_shape'] as readonly number[];
  if (node.op === 'MaxPool' && pads.some((amount, side) => amount >= kernel[side % 2])) return undefined;
  const outputs = node.outputs.map(({ shape, type }) => ({ shape, type }));
  if (outputs.length > 1) return undefined; // positions of the maxima refer to the padded tensor
  return target.node(node.op, [padNode.inputs[0], ...inputs.slice(1)], { ...node.attributes, pads }, outputs);
}

function marginsOfSlice({ attributes }: GraphNode, from: Value, to: Value): Margins | undefined {
  const axes = attributes['axes'] as readonly number[];
  const starts = attributes['starts'] as readonly number[];
  const steps = attributes['steps'] as readonly number[];
  if (from.shape.length !== 4 || axes.some((axis) => axis < 2) || steps.some((step) => step !== 1))
    return undefined;
  const before = [2, 3].map((axis) => starts[axes.indexOf(axis)] ?? 0);
  const after = [2, 3].map((axis, index) => from.shape[axis] - to.shape[axis] - before[index]);
  return [before[0], before[1], after[0], after[1]];
}

function crop(node: GraphNode, x: Value, target: Graph): Value | undefined {
  const producer = x.producer;
  if (producer === undefined || (producer.op !== 'Conv' && producer.op !== 'ConvTranspose')) return undefined;
  const margins = marginsOfSlice(node, x, node.outputs[0]);
  if (margins === undefined) return undefined;
  const { attributes } = producer;
  const pads = attributes['pads'] as readonly number[];
  const { shape } = node.outputs[0];
  if (producer.op === 'Conv') {
    // Cropping m rows of a stride-1 convolution is padding m rows less.
    const strides = attributes['strides'] as readonly number[];
    const cropped = pads.map((amount, side) => amount - margins[side]);
    if (strides.some((stride) => stride !== 1) || cropped.some((amount) => amount < 0)) return undefined;
    return target.op('Conv', producer.inputs, { ...attributes, pads: cropped }, shape);
  }
  // What output_padding added at the end goes first.
  const outputPadding = attributes['output_padding'] as readonly number[];
  const surplus = [0, 1].map((axis) => Math.min(outputPadding[axis], margins[axis + 2]));
  const cropped = pads.map((amount, side) => amount + margins[side] - (side >= 2 ? surplus[side - 2] : 0));
  return target.op(
    'ConvTranspose',
    producer.inputs,
    {
      ...attributes,
      pads: cropped,
      output_padding: outputPadding.map((amount, axis) => amount - surplus[axis]),
    },
    shape,
  );
}
