/** Random cases, as in operator-arbitraries.ts, over one to three spatial axes. */
import fc from 'fast-check';
import { floats, ints, op, type Case } from './operator-cases.js';

type Arbitrary = fc.Arbitrary<Case>;

const upTo = (most: number, least = 1) => fc.integer({ min: least, max: most });

interface Axis {
  readonly size: number;
  readonly kernel: number;
  readonly stride: number;
  readonly dilation: number;
  readonly begin: number;
  readonly end: number;
  readonly more: number;
}

const axes = (least: number, most: number): fc.Arbitrary<Axis[]> =>
  fc.array(
    fc.record({
      size: upTo(4, 2),
      kernel: upTo(3),
      stride: upTo(3),
      dilation: upTo(2),
      begin: upTo(2, 0),
      end: upTo(2, 0),
      more: upTo(2, 0),
    }),
    { minLength: least, maxLength: most },
  );

const span = ({ kernel, dilation }: Axis) => (kernel - 1) * dilation + 1;

export const convTranspose: Arbitrary = fc
  .record({ spatial: axes(1, 3), group: upTo(2), inputs: upTo(2), outputs: upTo(2), bias: fc.boolean() })
  .map(({ spatial, group, inputs, outputs, bias }) => {
    // Something is left between the pads.
    const room = (axis: Axis) => Math.floor(((axis.size - 1) * axis.stride + span(axis) - 1) / 2);
    const tensors = [
      floats([2, group * inputs, ...spatial.map(({ size }) => size)]),
      floats([group * inputs, outputs, ...spatial.map(({ kernel }) => kernel)], 2),
      ...(bias ? [floats([group * outputs], 3)] : []),
    ];
    return op('ConvTranspose', 11, tensors, {
      group,
      strides: spatial.map(({ stride }) => stride),
      dilations: spatial.map(({ dilation }) => dilation),
      pads: [
        ...spatial.map((axis) => Math.min(axis.begin, room(axis))),
        ...spatial.map((axis) => Math.min(axis.end, room(axis))),
      ],
      output_padding: spatial.map(({ more, stride }) => Math.min(more, stride - 1)),
    });
  });

export const windows: Arbitrary = fc
  .record({
    spatial: fc.oneof(axes(1, 1), axes(2, 2), axes(3, 3)),
    opType: fc.constantFrom('MaxPool', 'AveragePool', 'LpPool'),
    ceil: upTo(1, 0),
    count: upTo(1, 0),
  })
  .map(({ spatial, opType, ceil, count }) => {
    const sizes = spatial.map((axis) => span(axis) + axis.size - 1);
    return op(opType, opType === 'LpPool' ? 18 : 19, [floats([1, 2, ...sizes])], {
      kernel_shape: spatial.map(({ kernel }) => kernel),
      strides: spatial.map(({ stride }) => stride),
      dilations: spatial.map(({ dilation }) => dilation),
      // onnxruntime wants pads smaller than the kernel.
      pads: [
        ...spatial.map(({ begin, kernel }) => Math.min(begin, kernel - 1)),
        ...spatial.map(({ end, kernel }) => Math.min(end, kernel - 1)),
      ],
      ...(opType === 'LpPool' ? {} : { ceil_mode: ceil }),
      ...(opType === 'AveragePool' ? { count_include_pad: count } : {}),
    });
  });

/** Not 'nearest', whose ties rounding decides. */
export const resize: Arbitrary = fc
  .record({
    from: fc.tuple(upTo(5), upTo(5)),
    to: fc.tuple(upTo(7), upTo(7)),
    mode: fc.constantFrom('linear', 'cubic'),
    rule: fc.constantFrom('half_pixel', 'pytorch_half_pixel', 'align_corners', 'asymmetric'),
    antialias: upTo(1, 0),
  })
  .map(({ from, to, mode, rule, antialias }) =>
    op('Resize', 18, [floats([2, 1, ...from]), undefined, undefined, ints(2, 1, ...to)], {
      mode,
      coordinate_transformation_mode: rule,
      antialias: rule === 'half_pixel' ? antialias : 0,
    }),
  );
