import { describe, expect, test } from 'vitest';
import { encodeModel } from '../converters/encode.js';
import { inferGraph } from '../converters/infer-shapes.js';
import { findOperator, unsupportedOperators } from '../converters/ops/index.js';
import { decodeModel } from '../converters/read.js';
import { encode, floats, ints, op, scalar, type Case } from './support/operator-cases.js';
import { IMAGE } from './support/operator-grid.js';

describe('registry', () => {
  test.each([
    ['HardSwish', '', 14, true],
    ['HardSwish', '', 13, false],
    ['Conv', '', 7, true],
    ['Conv', 'com.microsoft', 17, false],
    ['constructor', '', 17, false],
  ])('%s of domain "%s" at opset %i: %s', (opType, domain, opset, known) => {
    expect(findOperator({ opType, domain }, opset) !== undefined).toBe(known);
  });

  test('all unsupported operators are reported at once, with counts', () => {
    const nodes = ['Relu', 'LSTM', 'NonZero', 'LSTM'].map((opType, i) => ({
      opType,
      inputs: [`v${i}`],
      outputs: [`v${i + 1}`],
    }));
    const spec = {
      opset: 17,
      irVersion: 8,
      nodes: [...nodes, { domain: 'my.ops', opType: 'Relu', inputs: ['v4'], outputs: ['y'] }],
    };
    const value = (name: string) => ({ name, type: 'float' as const, shape: [1, 2] });
    const { graph } = decodeModel(
      encodeModel({ ...spec, initializers: new Map(), inputs: [value('v0')], outputs: [value('y')] }),
    );
    expect([...unsupportedOperators(graph, 17)]).toEqual([
      ['LSTM', 2],
      ['NonZero', 1],
      ['my.ops.Relu', 1],
    ]);
  });
});

describe('refuses', () => {
  const weight = floats([3, 4, 3, 3], 2);
  test.each<[string, Case, string, RegExp]>([
    ['a group of 0', op('Conv', 11, [IMAGE, weight], { group: 0 }), 'E_ATTR', /group 0/],
    [
      'a negative stride',
      op('Conv', 11, [IMAGE, weight], { strides: [-1, 1] }),
      'E_ATTR',
      /strides \[-1, 1\]/,
    ],
    ['three pads', op('Conv', 11, [IMAGE, weight], { pads: [1, 1, 1] }), 'E_ATTR', /pads \[1, 1, 1\]/],
    ['an unknown auto_pad', op('Conv', 11, [IMAGE, weight], { auto_pad: 'SOME' }), 'E_ATTR', /SOME/],
    [
      'an attribute of another kind',
      op('Conv', 11, [IMAGE, weight], { group: 'x' }),
      'E_ATTR',
      /must be int/,
    ],
    [
      'an attribute that does not exist',
      op('Relu', 14, [IMAGE], { alpha: 1 }),
      'E_ATTR',
      /'alpha' does not exist/,
    ],
    ['an attribute of an older opset', op('ReduceMean', 18, [IMAGE], { axes: [1] }), 'E_ATTR', /'axes'/],
    ['a missing attribute', op('Concat', 13, [IMAGE]), 'E_ATTR', /'axis' is missing/],
    ['an axis out of range', op('Flatten', 13, [IMAGE], { axis: 9 }), 'E_ATTR', /axis 9/],
    ['a bias of the wrong length', op('Conv', 11, [IMAGE, weight, floats([7])]), 'E_SHAPE', /bias \[7\]/],
    ['channels that do not fit', op('Conv', 11, [IMAGE, floats([3, 5, 3, 3])]), 'E_SHAPE', /5, 3, 3/],
    ['a window larger than the image', op('MaxPool', 12, [IMAGE], { kernel_shape: [9, 9] }), 'E_SHAPE', /9/],
    ['two -1', op('Reshape', 13, [IMAGE, ints(-1, -1)]), 'E_SHAPE', /two -1/],
    ['a dimension of -2', op('Reshape', 13, [IMAGE, ints(-2, 4)]), 'E_SHAPE', /dimension -2/],
    ['shapes that do not broadcast', op('Add', 14, [IMAGE, floats([5])]), 'E_SHAPE', /broadcast/],
    ['matrices that do not fit', op('Gemm', 13, [floats([2, 3]), floats([2, 3])]), 'E_SHAPE', /do not fit/],
    [
      'an activation of terabytes',
      op('Conv', 11, [IMAGE, weight], { pads: [9e8, 9e8, 0, 0] }),
      'E_LIMIT',
      /GiB/,
    ],
    ['a product of terabytes', op('Expand', 13, [scalar(1), ints(2 ** 40)]), 'E_LIMIT', /GiB/],
    ['too many inputs', op('Relu', 14, [IMAGE, IMAGE]), 'E_MODEL', /2 inputs/],
  ])('%s', (_, item, code, message) => {
    const { graph } = decodeModel(encode(item));
    const shapes = new Map(graph.inputs.map(({ name, shape }) => [name, shape as number[]]));
    expect(() => inferGraph(graph, item.opset, shapes)).toThrow(
      expect.objectContaining({ code, message: expect.stringMatching(message) as string }) as Error,
    );
    expect(() => inferGraph(graph, item.opset, shapes)).toThrow(`${item.opType} '`);
  });
});
