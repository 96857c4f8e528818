import { unsupported } from './shapes.js';

/** Resampling along one axis as the Resize specification defines it, https://onnx.ai/onnx/operators/onnx__Resize.html. */

/** How an axis is resampled, and by which rules. */
export interface Resampling {
  /** Sizes before and after. */
  readonly input: number;
  readonly output: number;
  readonly scale: number;
  /** [start, end] of the region that tf_crop_and_resize cuts out, in shares of the axis. */
  readonly region: readonly [number, number];
}

export interface ResampleRules {
  readonly mode: string;
  readonly coordinates: string;
  readonly nearest: string;
  /** Of the cubic kernel. */
  readonly cubic: number;
  /** Elements beyond the border get no weight, rather than the border's value. */
  readonly excludeOutside: boolean;
  /** Kernels widen with the distance of the outputs. */
  readonly antialias: boolean;
}

/** What one output is made of: weights by input index; undefined where it lies outside of the region. */
export type Weights = ReadonlyMap<number, number>;

/** Of every output along the axis. */
export function weightsAlong(axis: Resampling, rules: ResampleRules): (Weights | undefined)[] {
  return Array.from({ length: axis.output }, (_, i) => {
    const at = coordinateOf(i, axis, rules.coordinates);
    const outside = rules.coordinates === 'tf_crop_and_resize' && (at < 0 || at > axis.input - 1);
    return outside ? undefined : weightsAt(at, axis, rules);
  });
}

/** Position among the inputs of output i. The resized length in these formulas is that before rounding. */
function coordinateOf(i: number, { input, output, scale, region }: Resampling, rule: string): number {
  const length = scale * input;
  // As onnxruntime divides: what is half way between two elements in float32 is nearest to the same one.
  const center = Math.fround((i + 0.5) / scale);
  switch (rule) {
    case 'half_pixel':
      return center - 0.5;
    case 'half_pixel_symmetric':
      return (input / 2) * (1 - output / length) + center - 0.5;
    case 'pytorch_half_pixel':
      return length > 1 ? center - 0.5 : 0;
    case 'tf_half_pixel_for_nn':
      return center;
    case 'align_corners':
      return length === 1 ? 0 : (i * (input - 1)) / (length - 1);
    case 'asymmetric':
      return Math.fround(i / scale);
    case 'tf_crop_and_resize': {
      const [start, end] = region;
      const reach = (end - start) * (input - 1);
      return length > 1
        ? start * (input - 1) + (i * reach) / (length - 1)
        : 0.5 * (start + end) * (input - 1);
    }
    default:
      throw unsupported(`coordinate_transformation_mode '${rule}' is not supported.`);
  }
}

function weightsAt(at: number, axis: Resampling, rules: ResampleRules): Weights {
  if (rules.mode === 'nearest') {
    const index = nearestOf(at, rules.nearest, axis.scale);
    return new Map([[Math.min(Math.max(index, 0), axis.input - 1), 1]]);
  }
  const kernel = rules.mode === 'linear' ? linear : cubicOf(rules.cubic);
  const narrow = rules.antialias ? Math.min(axis.scale, 1) : 1;
  const reach = (rules.mode === 'linear' ? 1 : 2) / narrow;
  const taps: [index: number, weight: number][] = [];
  for (let index = Math.ceil(at - reach); index <= Math.floor(at + reach); index++) {
    taps.push([index, kernel(Math.abs(index - at) * narrow)]);
  }
  const inside = (index: number) => index >= 0 && index < axis.input;
  const counted = rules.excludeOutside ? taps.filter(([index]) => inside(index)) : taps;
  // Without antialiasing the weights add up to 1 as they are.
  const sum = counted.reduce((total, [, weight]) => total + weight, 0);
  const weights = new Map<number, number>();
  for (const [index, weight] of counted) {
    const kept = Math.min(Math.max(index, 0), axis.input - 1);
    weights.set(kept, (weights.get(kept) ?? 0) + weight / sum);
  }
  return weights;
}

function nearestOf(at: number, rule: string, scale: number): number {
  switch (rule) {
    case 'round_prefer_floor':
      return Math.ceil(at - 0.5);
    case 'round_prefer_ceil':
      return Math.floor(at + 0.5);
    case 'floor':
      return Math.floor(at);
    case 'ceil':
      return Math.ceil(at);
    case 'simple':
      // Resize of opset 10, as its examples show.
      return scale < 1 ? Math.ceil(at) : Math.floor(at);
    default:
      throw unsupported(`nearest_mode '${rule}' is not supported.`);
  }
}

const linear = (distance: number) => Math.max(1 - distance, 0);

/** Keys' kernel, IEEE Transactions on Acoustics, Speech, and Signal Processing 29 (1981), with its parameter a. */
const cubicOf = (a: number) => (distance: number) => {
  if (distance <= 1) return ((a + 2) * distance - (a + 3)) * distance ** 2 + 1;
  if (distance < 2) return ((a * distance - 5 * a) * distance + 8 * a) * distance - 4 * a;
  return 0;
};
