import {
  KIND,
  X,
  Y,
  attribute,
  field,
  head,
  initializer,
  input,
  integer,
  model,
  node,
  output,
} from '../wire-models.js';
import { CONV, ENDS, W, floats, ints, type HostileModel } from './parts.js';

/** Models that are sound, but no classifiers of images. */
export const OUTPUT: readonly HostileModel[] = [
  {
    name: 'an image for output',
    expect: 'E_UNSUPPORTED',
    bytes: () => model(W, CONV, input(X), output({ ...Y, name: 'h' })),
  },
  {
    name: 'one class',
    expect: 'E_UNSUPPORTED',
    bytes: () =>
      model(
        W,
        CONV,
        node(
          'ReduceMean',
          ['h'],
          ['m'],
          ints('axes', 1, 2, 3),
          attribute('keepdims', KIND.int, integer(3, 1)),
        ),
        node('Flatten', ['m'], ['y']),
        ...ENDS,
      ),
  },
  {
    name: 'a scalar output',
    expect: 'E_UNSUPPORTED',
    bytes: () =>
      model(
        W,
        CONV,
        node('ReduceMean', ['h'], ['y'], attribute('keepdims', KIND.int, integer(3, 0))),
        ...ENDS,
      ),
  },
  {
    name: 'integer scores',
    expect: 'E_UNSUPPORTED',
    bytes: () =>
      model(
        W,
        CONV,
        node('GlobalAveragePool', ['h'], ['p']),
        node('Flatten', ['p'], ['f']),
        node('Cast', ['f'], ['y'], attribute('to', KIND.int, integer(3, 7))),
        input(X),
        output({ ...Y, type: 'int64' }),
      ),
  },
  {
    name: 'the index of the class',
    expect: 'E_UNSUPPORTED',
    bytes: () =>
      model(
        W,
        CONV,
        head('h'),
        node('ArgMax', ['y'], ['top'], attribute('axis', KIND.int, integer(3, 1))),
        input(X),
        output({ name: 'top', type: 'int64', shape: ['n', 1] }),
      ),
  },
  {
    name: 'a sequence for output',
    expect: 'E_UNSUPPORTED',
    bytes: () =>
      model(
        W,
        CONV,
        head('h'),
        input(X),
        field(12, field(1, 'y'), field(2, field(4, field(1, field(1, integer(1, 1)))))),
      ),
  },
  {
    name: 'an output that is a weight',
    expect: 'E_UNSUPPORTED',
    bytes: () =>
      model(W, CONV, head('h'), input(X), output({ name: 'w', type: 'float', shape: [4, 3, 1, 1] })),
  },
  {
    name: 'an output that is the input',
    expect: 'E_UNSUPPORTED',
    bytes: () => model(W, CONV, head('h'), input(X), output(X)),
  },
  {
    name: 'an integer image',
    expect: 'E_UNSUPPORTED',
    bytes: () => model(W, CONV, head('h'), input({ ...X, type: 'uint8' }), output(Y)),
  },
  {
    name: 'a quantised model',
    expect: 'E_UNSUPPORTED',
    bytes: () =>
      model(
        W,
        initializer('s', floats([], [0.1])),
        initializer('z', { type: 'int8', dims: [], data: Int8Array.of(0) }),
        node('QuantizeLinear', ['x', 's', 'z'], ['q']),
        node('DequantizeLinear', ['q', 's', 'z'], ['d']),
        node('Conv', ['d', 'w'], ['h']),
        head('h'),
        ...ENDS,
      ),
  },
];
