/** Small cases, as in operator-grid.ts, of operators over any number of spatial axes, and of what images are normalised by. */
import type { Tensor } from '../../converters/model.js';
import {
  floats,
  floatsOf,
  giving,
  ints,
  op,
  positive,
  type Attributes,
  type Case,
} from './operator-cases.js';

const IMAGE = floats([2, 4, 5, 6]);
const SIGNAL = floats([2, 4, 9]);
const VOLUME = floats([1, 2, 4, 5, 4]);

const CONVOLUTIONS = [
  op('Conv', 11, [SIGNAL, floats([3, 4, 3], 2), floats([3], 3)], {
    pads: [1, 0],
    strides: [2],
    dilations: [2],
  }),
  op('Conv', 11, [SIGNAL, floats([8, 1, 2], 2)], { group: 4, auto_pad: 'SAME_UPPER' }),
  op('Conv', 11, [VOLUME, floats([2, 2, 2, 3, 2], 2), floats([2], 3)], { pads: [1, 0, 1, 0, 1, 1] }),
  op('Conv', 22, [VOLUME, floats([2, 1, 2, 2, 1], 2)], {
    group: 2,
    strides: [2, 1, 2],
    dilations: [2, 2, 1],
  }),
  op('ConvTranspose', 11, [IMAGE, floats([4, 3, 3, 2], 2), floats([3], 3)]),
  op('ConvTranspose', 11, [IMAGE, floats([4, 2, 3, 3], 2)], {
    pads: [1, 0, 2, 1],
    strides: [2, 3],
    output_padding: [1, 2],
  }),
  op('ConvTranspose', 22, [IMAGE, floats([4, 2, 2, 3], 2), floats([4], 3)], { group: 2, dilations: [3, 2] }),
  op('ConvTranspose', 11, [IMAGE, floats([4, 1, 2, 2], 2)], { group: 4, strides: [2, 2] }),
  op('ConvTranspose', 11, [IMAGE, floats([4, 2, 3, 3], 2)], { auto_pad: 'SAME_UPPER', strides: [2, 2] }),
  op('ConvTranspose', 11, [IMAGE, floats([4, 2, 3, 3], 2)], { strides: [2, 2], output_shape: [10, 12] }),
  op('ConvTranspose', 11, [SIGNAL, floats([4, 2, 3], 2)], { strides: [2], pads: [1, 1] }),
  op('ConvTranspose', 11, [VOLUME, floats([2, 2, 2, 3, 2], 2)], {
    strides: [2, 1, 2],
    dilations: [2, 1, 1],
    pads: [1, 0, 0, 0, 1, 1],
  }),
];

const POOLS = [
  ...[SIGNAL, VOLUME].flatMap((x) => {
    const rank = x.dims.length - 2;
    const of = (value: number) => new Array<number>(rank).fill(value);
    return [0, 1].flatMap((ceil) => {
      const window: Attributes = {
        kernel_shape: of(3),
        strides: of(2),
        pads: of(1).concat(of(1)),
        ceil_mode: ceil,
      };
      return [
        op('MaxPool', 12, [x], window),
        op('AveragePool', 19, [x], window),
        op('AveragePool', 19, [x], { ...window, count_include_pad: 1 }),
      ];
    });
  }),
  op('MaxPool', 12, [IMAGE], { kernel_shape: [2, 3], dilations: [2, 2], pads: [1, 1, 0, 1] }),
  op('AveragePool', 19, [IMAGE], { kernel_shape: [2, 3], dilations: [3, 1], strides: [1, 2] }),
  op('AveragePool', 19, [IMAGE], { kernel_shape: [2, 2], dilations: [2, 3], pads: [1, 1, 1, 1] }),
  op('LpPool', 18, [IMAGE], { kernel_shape: [3, 2], strides: [2, 1], pads: [1, 0, 1, 1] }),
  op('LpPool', 11, [positive([1, 2, 4, 4])], { kernel_shape: [2, 2], p: 3 }),
  op('LpPool', 22, [SIGNAL], { kernel_shape: [3], p: 1 }),
  op('GlobalLpPool', 7, [IMAGE]),
  op('GlobalLpPool', 13, [positive([2, 2, 3, 2])], { p: 3 }),
];

const resized = (attributes: Attributes, scales?: Tensor, sizes?: Tensor, roi?: Tensor) =>
  op('Resize', 19, [IMAGE, roi, scales, sizes], attributes);
const BY = floatsOf([4], 1, 1, 1.6, 0.6);
const TO = ints(2, 4, 3, 9);

const RESAMPLING = [
  ...['half_pixel', 'pytorch_half_pixel', 'align_corners', 'asymmetric'].flatMap((rule) => [
    ...['linear', 'cubic'].map((mode) =>
      resized({ mode, coordinate_transformation_mode: rule }, undefined, TO),
    ),
    ...['round_prefer_floor', 'round_prefer_ceil', 'floor', 'ceil'].map((nearest) =>
      resized({ coordinate_transformation_mode: rule, nearest_mode: nearest }, undefined, TO),
    ),
  ]),
  resized({ mode: 'linear', coordinate_transformation_mode: 'half_pixel_symmetric' }, BY),
  resized({ mode: 'cubic', cubic_coeff_a: { float: -0.5 }, exclude_outside: 1 }, BY),
  resized({ mode: 'linear', antialias: 1 }, BY),
  resized({ mode: 'cubic', antialias: 1 }, BY),
  resized({ mode: 'linear', keep_aspect_ratio_policy: 'not_larger', axes: [2, 3] }, undefined, ints(8, 8)),
  resized({ mode: 'nearest', keep_aspect_ratio_policy: 'not_smaller', axes: [3, 2] }, undefined, ints(8, 8)),
  resized(
    {
      mode: 'linear',
      coordinate_transformation_mode: 'tf_crop_and_resize',
      extrapolation_value: { float: 0.5 },
    },
    undefined,
    ints(2, 4, 4, 5),
    floatsOf([8], 0, 0, 0.25, 0.5, 1, 1, 0.75, 1.5),
  ),
  op('Resize', 11, [IMAGE, floatsOf([0]), floatsOf([4], 1, 1, 2, 2)]),
  op('Resize', 10, [IMAGE, BY]),
  resized({ mode: 'linear' }, floatsOf([4], 1, 1, 1.4, 0.7)),
  op('Resize', 13, [floats([1, 1, 10, 3]), undefined, floatsOf([4], 1, 1, 0.7, 1)]),
  op('Resize', 10, [IMAGE, floatsOf([4], 1, 1, 2, 0.5)], { mode: 'linear' }),
  op('Upsample', 9, [IMAGE, floatsOf([4], 1, 1, 2, 3)]),
  op('Upsample', 7, [IMAGE], { mode: 'linear', scales: { floats: [1, 1, 1.5, 2] } }),
  ...['DCR', 'CRD'].map((mode) => op('DepthToSpace', 13, [floats([2, 8, 2, 3])], { blocksize: 2, mode })),
  op('DepthToSpace', 7, [floats([1, 9, 2, 1])], { blocksize: 3 }),
  op('SpaceToDepth', 13, [floats([2, 3, 4, 6])], { blocksize: 2 }),
];

const affine = (count: number) => [floats([count], 2), floats([count], 3)];

const NORMALIZATIONS = [
  op('LayerNormalization', 17, [IMAGE, ...affine(6)], { epsilon: { float: 0.1 } }),
  op('LayerNormalization', 17, [IMAGE, floats([4, 1, 6], 2)], { axis: 1 }),
  op('LayerNormalization', 17, [floats([2, 3, 4]), floats([3, 4], 2), floats([3, 4], 3)], { axis: -2 }, 3),
  op('RMSNormalization', 23, [IMAGE, floats([5, 6], 2)], { axis: 2, epsilon: { float: 0.1 } }),
  op('InstanceNormalization', 7, [SIGNAL, ...affine(4)]),
  op('InstanceNormalization', 22, [IMAGE, ...affine(4)], { epsilon: { float: 0.1 } }),
  op('GroupNormalization', 18, [IMAGE, ...affine(2)], { num_groups: 2 }),
  op('GroupNormalization', 21, [IMAGE, ...affine(4)], { num_groups: 2, epsilon: { float: 0.1 } }),
  op('MeanVarianceNormalization', 9, [IMAGE]),
  op('MeanVarianceNormalization', 13, [floats([2, 3, 4])], { axes: [0, -1] }),
  op('LpNormalization', 7, [floats([2, 3, 4])]),
  op('LpNormalization', 22, [floats([2, 3, 4])], { axis: 1, p: 1 }),
  op('LRN', 7, [IMAGE], { size: 3 }),
  op('LRN', 13, [IMAGE], { size: 5, alpha: { float: 0.5 }, beta: { float: 0.5 }, bias: { float: 2 } }),
];

const ACTIVATIONS = [
  ...['Selu', 'Softsign'].map((opType) => op(opType, 7, [IMAGE])),
  op('Selu', 22, [IMAGE], { alpha: { float: 1.5 }, gamma: { float: 0.5 } }),
  op('Celu', 12, [IMAGE], { alpha: { float: 0.5 } }),
  op('Mish', 18, [IMAGE]),
  op('Swish', 24, [IMAGE], { alpha: { float: 1.5 } }),
  op('ThresholdedRelu', 10, [IMAGE], { alpha: { float: 0.25 } }),
  op('Shrink', 9, [IMAGE], { lambd: { float: 0.25 }, bias: { float: 0.5 } }),
  ...['Ceil', 'Floor', 'Round'].map((opType) => op(opType, 13, [floats([2, 40])])),
  op('Mean', 8, [IMAGE, floats([6], 2), floats([4, 1, 1], 3)]),
];

const SUMS = [
  ...['ReduceL1', 'ReduceL2', 'ReduceLogSum', 'ReduceLogSumExp', 'ReduceSumSquare'].flatMap(
    (opType): Case[] => {
      const x = opType === 'ReduceLogSum' ? positive([2, 3, 4, 2]) : floats([2, 3, 4, 2]);
      return [
        op(opType, 13, [x]),
        op(opType, 11, [x], { axes: [2, -1], keepdims: 0 }),
        op(opType, 18, [x, ints(-1, 1)]),
      ];
    },
  ),
  op('CumSum', 14, [IMAGE, { ...ints(-2), dims: [] }]),
  op('CumSum', 11, [floats([3, 4]), ints(0)], { exclusive: 1, reverse: 1 }),
  ...['ArgMax', 'ArgMin'].flatMap((opType) => [
    giving('int64', op(opType, 13, [IMAGE])),
    giving(
      'int64',
      op(opType, 12, [floatsOf([2, 4], 1, 3, 3, 1, 0, 0, 2, 2)], { axis: -1, select_last_index: 1 }),
    ),
    giving('int64', op(opType, 11, [IMAGE], { axis: 2, keepdims: 0 })),
  ]),
];

export const IMAGE_GRID: readonly Case[] = [
  CONVOLUTIONS,
  POOLS,
  RESAMPLING,
  NORMALIZATIONS,
  ACTIVATIONS,
  SUMS,
].flat();
