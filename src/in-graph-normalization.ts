import type { Model, Node, Tensor } from '../converters/model.js';
import { findLayout, findReaders, type Layout } from '../converters/passes/find-layout.js';

/** Per-channel normalisation the graph does on its own input: `(x - mean) / std`, x being the model's input. */
export interface InGraphNormalization {
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

/** y = scale * x + offset, one value per channel. */
interface Affine {
  readonly scale: readonly number[];
  readonly offset: readonly number[];
}

/**
 * Follows the chain of Add, Sub, Mul, Div by per-channel constants and BatchNormalization that starts at the graph's
 * input and whose every value has a single consumer. Undefined where there is none.
 */
export function findInGraphNormalization(model: Model, channels: number): InGraphNormalization | undefined {
  const start: Affine = {
    scale: Array(channels).fill(1) as number[],
    offset: Array(channels).fill(0) as number[],
  };
  const layout = findLayout(model.graph);
  const readers = findReaders(model.graph.nodes);
  let affine = start;
  let value = model.graph.inputs[0].name;
  for (;;) {
    const consumers = readers.get(value) ?? [];
    if (consumers.length !== 1) break;
    const next = applyNode(model, consumers[0], value, affine, layout);
    if (!next) break;
    affine = next;
    value = consumers[0].outputs[0];
  }
  if (affine === start || affine.scale.some((scale) => !(scale > 0 && Number.isFinite(scale))))
    return undefined;
  return {
    mean: affine.scale.map((scale, c) => -affine.offset[c] / scale),
    std: affine.scale.map((scale) => 1 / scale),
  };
}

/** The affine map after `node`, or undefined where the node is not part of a normalisation. */
function applyNode(
  model: Model,
  node: Node,
  value: string,
  { scale, offset }: Affine,
  layout: Layout,
): Affine | undefined {
  const channels = scale.length;
  const constant = (name: string) => perChannel(model.graph.initializers.get(name), channels, layout);
  if (node.domain !== '') return undefined;
  if (node.opType === 'Identity') return { scale, offset };
  if (node.opType === 'BatchNormalization') {
    const [gamma, beta, mean, variance] = node.inputs.slice(1, 5).map(constant);
    if (!gamma || !beta || !mean || !variance) return undefined;
    const epsilon = node.attributes.get('epsilon');
    const gain = gamma.map(
      (g, c) => g / Math.sqrt(variance[c] + (epsilon?.kind === 'float' ? epsilon.value : 1e-5)),
    );
    return {
      scale: scale.map((s, c) => s * gain[c]),
      offset: offset.map((o, c) => (o - mean[c]) * gain[c] + beta[c]),
    };
  }

  const first = node.inputs[0] === value;
  const k = constant(node.inputs[first ? 1 : 0]);
  if (!k || node.inputs.length !== 2) return undefined;
  switch (node.opType) {
    case 'Add':
      return { scale, offset: offset.map((o, c) => o + k[c]) };
    case 'Sub':
      if (first) return { scale, offset: offset.map((o, c) => o - k[c]) };
      return { scale: scale.map((s) => -s), offset: offset.map((o, c) => k[c] - o) };
    case 'Mul':
      return { scale: scale.map((s, c) => s * k[c]), offset: offset.map((o, c) => o * k[c]) };
    case 'Div':
      if (!first) return undefined;
      return { scale: scale.map((s, c) => s / k[c]), offset: offset.map((o, c) => o / k[c]) };
    default:
      return undefined;
  }
}

/** A constant that broadcasts over images of this layout as one value per channel; else undefined. */
function perChannel(tensor: Tensor | undefined, channels: number, layout: Layout): number[] | undefined {
  if (!tensor) return undefined;
  const values = Array.from(tensor.data, Number);
  if (values.length === 1) return Array(channels).fill(values[0]) as number[];
  if (layout === 'NHWC') {
    return values.length === channels && tensor.dims.at(-1) === channels ? values : undefined;
  }
  const [height = 0, width = 0] = tensor.dims.slice(-2);
  const isVector = tensor.dims.length === 1; // BatchNormalization's parameters; no image is `channels` wide
  return values.length === channels && (isVector || (height === 1 && width === 1)) ? values : undefined;
}
