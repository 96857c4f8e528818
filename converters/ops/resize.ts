import {
  defineOp,
  flag,
  float,
  optionalInts,
  string,
  type Attributes,
  type Shape,
  type ShapeContext,
} from './define-op.js';
import { toIntegers } from './support/constants.js';
import type { Resampling } from './support/resample.js';
import { resampleBy, resampleTo, resize } from './support/resize.js';
import { attributeError, normalizeAxis, show } from './support/shapes.js';

const attributes = {
  mode: string('nearest', { oneOf: ['nearest', 'linear', 'cubic'] }),
  coordinate_transformation_mode: string('half_pixel', { since: 11 }),
  nearest_mode: string('round_prefer_floor', { since: 11 }),
  cubic_coeff_a: float(-0.75, { since: 11 }),
  exclude_outside: flag(0, { since: 11 }),
  extrapolation_value: float(0, { since: 11 }),
  antialias: flag(0, { since: 18 }),
  axes: optionalInts({ since: 18 }),
  keep_aspect_ratio_policy: string('stretch', {
    since: 18,
    oneOf: ['stretch', 'not_larger', 'not_smaller'],
  }),
};

/** Inputs x, scales at opset 10; x, roi, scales, sizes since, of which one of the last two is given. */
export const Resize = defineOp('Resize', {
  since: [10, 11, 13, 18, 19],
  inputs: [1, 4],
  outputs: [1, 1],
  constantInputs: [1, 2, 3],
  attributes,
  shape: ([x], values, context) => [axesOf(x, values, context).map(({ output }) => output)],
  forward(tf, [x], values, context) {
    // Opset 10 has no attributes for its rules.
    const old = context.opset < 11;
    const rules = {
      mode: values.mode,
      coordinates: old ? 'asymmetric' : values.coordinate_transformation_mode,
      nearest: old ? 'simple' : values.nearest_mode,
      cubic: values.cubic_coeff_a,
      excludeOutside: values.exclude_outside === 1,
      antialias: values.antialias === 1,
    };
    return [resize(tf, x, axesOf(x.shape, values, context), rules, values.extrapolation_value)];
  },
});

function axesOf(
  x: Shape,
  values: Attributes<typeof attributes>,
  { opset, constants }: ShapeContext,
): Resampling[] {
  // An empty tensor counts as omitted.
  const listOf = (position: number) => {
    const tensor = constants[position];
    return tensor && tensor.data.length > 0 ? tensor : undefined;
  };
  const scales = listOf(opset < 11 ? 1 : 2);
  const sizes = opset < 11 ? undefined : listOf(3);
  const region = opset < 11 ? undefined : listOf(1);
  const axes = (values.axes ?? x.map((_, axis) => axis)).map((axis) => normalizeAxis(axis, x.length));
  if ((scales === undefined) === (sizes === undefined)) {
    throw attributeError('it needs either scales or sizes.');
  }
  const dims = axes.map((axis) => x[axis]);
  const resampled = scales
    ? resampleBy(dims, Array.from(scales.data, Number))
    : fit(resampleTo(dims, toIntegers(sizes!, 'sizes')), values.keep_aspect_ratio_policy);
  const regions = region ? Array.from(region.data, Number) : undefined;
  if (regions && regions.length !== 2 * axes.length) {
    throw attributeError(`roi ${show(regions)} must be ${2 * axes.length} values.`);
  }
  const all = x.map((size): Resampling => ({ input: size, output: size, scale: 1, region: [0, 1] }));
  axes.forEach((axis, i) => {
    all[axis] = { ...resampled[i], region: [regions?.[i] ?? 0, regions?.[i + axes.length] ?? 1] };
  });
  return all;
}

/** One scale for all axes, the least or the largest of those that the sizes ask for. */
function fit(axes: Resampling[], policy: string | undefined): Resampling[] {
  if (policy === undefined || policy === 'stretch') return axes;
  const scales = axes.map(({ scale }) => scale);
  const scale = policy === 'not_larger' ? Math.min(...scales) : Math.max(...scales);
  return axes.map((axis) => ({ ...axis, scale, output: Math.floor(scale * axis.input + 0.5) }));
}
