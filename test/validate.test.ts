import { describe, expect, test } from 'vitest';
import { encodeModel, type GraphSpec } from '../converters/encode.js';
import type { Tensor } from '../converters/model.js';
import { decodeModel } from '../converters/read.js';
import { validateModel } from '../converters/validate.js';
import { float, linearModel } from './support/models.js';

function validate(spec: GraphSpec): void {
  validateModel(decodeModel(encodeModel(spec)));
}

const withConstant = (name: string, tensor: Tensor): GraphSpec => {
  const spec = linearModel();
  return { ...spec, initializers: new Map(spec.initializers).set(name, tensor) };
};

test('a sound model passes', () => {
  expect(() => {
    validate(linearModel());
  }).not.toThrow();
});

test.each([
  ['opset 0', { ...linearModel(), opset: 0 }, 'The model declares opset 0'],
  ['IR version -1', { ...linearModel(), irVersion: -1 }, 'The model declares IR version -1'],
])('%s', (_, spec, message) => {
  expect(() => {
    validate(spec);
  }).toThrow(expect.objectContaining({ code: 'E_MODEL', message: expect.stringContaining(message) }));
});

test('an input too large for any machine', () => {
  const inputs = [{ name: 'x', type: 'float', shape: ['n', 3, 1e6, 1e6] }] as const;
  expect(() => {
    validate({ ...linearModel(), inputs });
  }).toThrow(expect.objectContaining({ code: 'E_LIMIT' }));
});

describe('numbers that are not finite', () => {
  test.each([NaN, Infinity, -Infinity])('%d among the weights', (value) => {
    expect(() => {
      validate(withConstant('w', float([2, 3], [1, 2, value, 4, 5, 6])));
    }).toThrow(
      expect.objectContaining({ code: 'E_NONFINITE', message: `Constant 'w' of Gemm 'fc' holds ${value}.` }),
    );
  });

  test('an infinite bound of Clip is none, a NaN is refused', () => {
    const clipped = (bound: number): GraphSpec => {
      const spec = withConstant('max', float([], [bound]));
      const clip = { opType: 'Clip', name: 'clip', inputs: ['h', '', 'max'], outputs: ['y'] };
      return { ...spec, nodes: [spec.nodes[0], clip] };
    };
    expect(() => {
      validate(clipped(Infinity));
    }).not.toThrow();
    expect(() => {
      validate(clipped(NaN));
    }).toThrow(expect.objectContaining({ code: 'E_NONFINITE' }));
  });

  test('what no output depends on may hold anything', () => {
    const spec = withConstant('dead', float([2], [NaN, NaN]));
    const node = { opType: 'Add', name: 'dead', inputs: ['x', 'dead'], outputs: ['unused'] };
    expect(() => {
      validate({ ...spec, nodes: [...spec.nodes, node] });
    }).not.toThrow();
  });
});

test('a negative running variance', () => {
  const vector = (value: number) => float([2], [1, value]);
  const spec = (variance: number): GraphSpec => ({
    ...linearModel(),
    nodes: [{ opType: 'BatchNormalization', name: 'bn', inputs: ['x', 's', 'o', 'm', 'v'], outputs: ['y'] }],
    initializers: new Map([
      ['s', vector(1)],
      ['o', vector(0)],
      ['m', vector(-3)],
      ['v', vector(variance)],
    ]),
  });
  expect(() => {
    validate(spec(0));
  }).not.toThrow();
  expect(() => {
    validate(spec(-0.5));
  }).toThrow("BatchNormalization 'bn' has the running variance -0.5.");
});
