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
import { CONV, ENDS, W, chain, floats, int64s, ints, withConv, type HostileModel } from './parts.js';

/** Nodes that do not fit their inputs, or would take all memory. */
export const SHAPE: readonly HostileModel[] = [
  { name: 'strides of 0', expect: 'E_ATTR', bytes: () => withConv(ints('strides', 0, 0)) },
  { name: 'negative pads', expect: 'E_ATTR', bytes: () => withConv(ints('pads', -9, -9, -9, -9)) },
  { name: 'dilations of 2^53', expect: 'E_ATTR', bytes: () => withConv(ints('dilations', 2 ** 53, 2 ** 53)) },
  {
    name: 'a group of 7',
    expect: 'E_SHAPE',
    bytes: () => withConv(attribute('group', KIND.int, integer(3, 7))),
  },
  {
    name: 'an unknown auto_pad',
    expect: 'E_ATTR',
    bytes: () => withConv(attribute('auto_pad', KIND.string, field(4, 'UPSIDE_DOWN'))),
  },
  {
    name: 'strides as floats',
    expect: 'E_ATTR',
    bytes: () => withConv(attribute('strides', KIND.floats, field(7, Buffer.alloc(8)))),
  },
  { name: 'an unknown attribute', expect: 'E_ATTR', bytes: () => withConv(ints('__proto__', 1)) },
  {
    name: 'two inputs missing',
    expect: 'E_MODEL',
    bytes: () => model(W, node('Conv', ['x'], ['h']), head('h'), ...ENDS),
  },
  {
    name: 'a kernel larger than the image',
    expect: 'E_SHAPE',
    bytes: () =>
      model(initializer('w', floats([4, 3, 9, 9], new Array<number>(972).fill(0))), CONV, head('h'), ...ENDS),
  },
  {
    name: 'channels that do not fit',
    expect: 'E_SHAPE',
    bytes: () =>
      model(initializer('w', floats([4, 2, 1, 1], new Array<number>(8).fill(0))), CONV, head('h'), ...ENDS),
  },
  {
    name: 'padding of a petabyte',
    expect: 'E_LIMIT',
    bytes: () => withConv(ints('pads', 2 ** 24, 2 ** 24, 2 ** 24, 2 ** 24)),
  },
  {
    name: 'Expand to 2^40 elements',
    expect: 'E_LIMIT',
    bytes: () =>
      model(
        W,
        CONV,
        initializer('s', int64s(1, 1, 2 ** 20, 2 ** 20)),
        initializer('o', floats([1, 1, 1, 1], [1])),
        node('Expand', ['o', 's'], ['e']),
        node('Add', ['h', 'e'], ['g']),
        head('g'),
        ...ENDS,
      ),
  },
  {
    name: 'ConstantOfShape of 2^62',
    expect: 'E_LIMIT',
    bytes: () =>
      model(
        W,
        CONV,
        initializer('s', int64s(2 ** 31, 2 ** 31)),
        node('ConstantOfShape', ['s'], ['e']),
        node('Add', ['h', 'e'], ['g']),
        head('g'),
        ...ENDS,
      ),
  },
  {
    name: 'Tile that doubles 40 times',
    expect: 'E_LIMIT',
    bytes: () =>
      model(
        W,
        CONV,
        initializer('r', int64s(1, 1, 2, 1)),
        chain(40, (a, b) => node('Tile', [a, 'r'], [b])),
        head('g'),
        ...ENDS,
      ),
  },
  {
    name: 'values of 60 GiB in all',
    expect: 'E_LIMIT',
    bytes: () =>
      model(
        W,
        CONV,
        initializer('r', int64s(1, 1, 2 ** 12, 2 ** 11)),
        node('Tile', ['h', 'r'], ['t']),
        chain(30, (a, b) => node('Relu', [a === 'h' ? 't' : a], [b])),
        head('g'),
        ...ENDS,
      ),
  },
  {
    name: 'constants of 30 GiB in small pieces',
    expect: 'E_LIMIT',
    bytes: () =>
      model(
        W,
        CONV,
        initializer('s', int64s(1, 1, 4, 2 ** 14)),
        initializer('ax', int64s(0)),
        ...Array.from({ length: 3000 }, (_, i) => node('ConstantOfShape', ['s'], [`c${i}`])),
        node('Sum', ['h', ...Array.from({ length: 3000 }, (_, i) => `c${i}`)], ['g']),
        head('g'),
        ...ENDS,
      ),
  },
  {
    name: 'Range of 10^15',
    expect: 'E_LIMIT',
    bytes: () =>
      model(
        W,
        CONV,
        ...['a', 'b', 'c'].map((name, i) =>
          initializer(name, { type: 'int64', dims: [], data: BigInt64Array.of([0n, 10n ** 15n, 1n][i]) }),
        ),
        node('Range', ['a', 'b', 'c'], ['e']),
        node('Add', ['h', 'e'], ['g']),
        head('g'),
        ...ENDS,
      ),
  },
  {
    name: 'an image of 2^40 pixels',
    expect: 'E_LIMIT',
    bytes: () => model(W, CONV, head('h'), input({ ...X, shape: ['n', 3, 2 ** 20, 2 ** 20] }), output(Y)),
  },
  {
    name: 'an image of 2^62 pixels a side',
    expect: 'E_LIMIT',
    bytes: () =>
      model(
        W,
        CONV,
        head('h'),
        field(
          11,
          field(1, 'x'),
          field(
            2,
            field(
              1,
              integer(1, 1),
              field(
                2,
                field(1, integer(1, 1)),
                field(1, integer(1, 3)),
                field(1, integer(1, 2n ** 62n)),
                field(1, integer(1, 2n ** 62n)),
              ),
            ),
          ),
        ),
        output(Y),
      ),
  },
  {
    name: 'a fixed batch of 2^40',
    expect: 'E_LIMIT',
    bytes: () => model(W, CONV, head('h'), input({ ...X, shape: [2 ** 40, 3, 4, 4] }), output(Y)),
  },
];
