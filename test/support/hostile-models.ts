import { encodeModel, type GraphSpec } from '../../converters/encode.js';
import type { ErrorCode } from '../../converters/errors.js';
import type { Tensor } from '../../converters/model.js';
import { tinyTeacherSpec } from './tiny-teacher.js';
import {
  attribute,
  field,
  head,
  HEADER,
  initializer,
  input,
  integer,
  KIND,
  model,
  node,
  output,
} from './wire-models.js';
import { varint, X, Y } from './wire-models.js';

/** A file made to hurt, and what it deserves. Bytes are made when asked for: some files are large. */
export interface HostileModel {
  readonly name: string;
  readonly expect: ErrorCode | 'accept';
  readonly bytes: () => Uint8Array;
}

const floats = (dims: number[], values: number[]): Tensor => ({
  type: 'float',
  dims,
  data: Float32Array.from(values),
});
const int64s = (...values: (number | bigint)[]): Tensor => ({
  type: 'int64',
  dims: [values.length],
  data: BigInt64Array.from(values, BigInt),
});
const W = initializer('w', floats([4, 3, 1, 1], new Array<number>(12).fill(0.5)));
const CONV = node('Conv', ['x', 'w'], ['h']);
const ENDS = [input(X), output(Y)];
const SOUND = [W, CONV, head('h'), ...ENDS];

/** A TensorProto named w, type float, of raw fields. */
const tensor = (...fields: Uint8Array[]) => field(5, field(8, 'w'), integer(2, 1), ...fields);
const dims = (...sizes: (number | bigint)[]) => Buffer.concat(sizes.map((size) => integer(1, size)));
const withTensor = (...fields: Uint8Array[]) => model(tensor(...fields), CONV, head('h'), ...ENDS);
const withConv = (...attributes: Uint8Array[]) =>
  model(W, node('Conv', ['x', 'w'], ['h'], ...attributes), head('h'), ...ENDS);
const ints = (name: string, ...values: number[]) =>
  attribute(name, KIND.ints, ...values.map((value) => integer(8, value)));

function teacher(change: (spec: GraphSpec) => Partial<GraphSpec>): Uint8Array {
  const spec = tinyTeacherSpec();
  return encodeModel({ ...spec, ...change(spec) });
}

/** The tiny teacher with one constant's first element changed. */
const poisoned = (name: string, value: number) =>
  teacher(({ initializers }) => {
    const { data, ...rest } = initializers.get(name)!;
    const copy = Float32Array.from(data as Float32Array);
    copy[0] = value;
    return { initializers: new Map(initializers).set(name, { ...rest, data: copy }) };
  });

const renamed = (from: string, to: string) =>
  teacher((spec) => {
    const name = (old: string) => (old === from ? to : old);
    return {
      nodes: spec.nodes.map((one) => ({
        ...one,
        inputs: one.inputs.map(name),
        outputs: one.outputs.map(name),
      })),
      initializers: new Map([...spec.initializers].map(([old, data]) => [name(old), data])),
      inputs: spec.inputs.map((value) => ({ ...value, name: name(value.name) })),
      outputs: spec.outputs.map((value) => ({ ...value, name: name(value.name) })),
    };
  });

/** Functions f0 to f<depth - 1>, each of which calls the next as often as asked; the last one has `leaf`. */
function functions(depth: number, calls: number, leaf: Uint8Array, result = 'g'): Buffer {
  const opset = field(9, field(1, ''), integer(2, 17));
  const bodies = Array.from({ length: depth }, (_, i) => {
    const called = Array.from({ length: calls }, (__, call) =>
      field(
        7,
        field(1, 'a'),
        field(2, call === 0 ? 'b' : `b${call}`),
        field(4, `f${i + 1}`),
        field(7, 'bomb'),
      ),
    );
    const body = i === depth - 1 ? [leaf] : called;
    return field(25, field(1, `f${i}`), field(10, 'bomb'), field(4, 'a'), field(5, 'b'), ...body, opset);
  });
  const call = node('f0', ['h'], [result], field(7, 'bomb'));
  const domain = field(8, field(1, 'bomb'), integer(2, 1));
  return Buffer.concat([model(W, CONV, call, head(result), ...ENDS), domain, ...bodies]);
}

const relu = field(7, field(1, 'a'), field(2, 'b'), field(4, 'Relu'));

/** A chain of nodes from h to the head, of which each makes its value larger. */
const chain = (count: number, make: (from: string, to: string) => Uint8Array) =>
  Buffer.concat(
    Array.from({ length: count }, (_, i) =>
      make(i === 0 ? 'h' : `v${i - 1}`, i === count - 1 ? 'g' : `v${i}`),
    ),
  );

const nested = (depth: number) => {
  let graph: Buffer = Buffer.concat([node('Relu', ['x'], ['r']), output({ ...Y, name: 'r' })]);
  for (let i = 0; i < depth; i++) {
    graph = Buffer.concat([
      node('If', ['x'], ['r'], attribute('then_branch', KIND.graph, field(6, graph))),
      output({ ...Y, name: 'r' }),
    ]);
  }
  return Buffer.concat([HEADER, field(7, graph, input(X))]);
};

const LONG = 'n'.repeat(8 * 2 ** 20);

const WIRE: HostileModel[] = [
  { name: 'sound', expect: 'accept', bytes: () => model(...SOUND) },
  { name: 'nothing', expect: 'E_PARSE', bytes: () => Buffer.alloc(0) },
  { name: 'one byte', expect: 'E_PARSE', bytes: () => Buffer.of(0x3a) },
  { name: 'zeros', expect: 'E_PARSE', bytes: () => Buffer.alloc(4096) },
  { name: 'ones', expect: 'E_PARSE', bytes: () => Buffer.alloc(4096, 0xff) },
  { name: 'graph as a number', expect: 'E_PARSE', bytes: () => Buffer.concat([HEADER, integer(7, 1)]) },
  { name: 'node as a number', expect: 'E_PARSE', bytes: () => model(integer(1, 1), ...SOUND) },
  {
    name: 'dims as text',
    expect: 'E_PARSE',
    bytes: () => withTensor(Buffer.concat([varint(13), Buffer.alloc(4)])),
  },
  { name: 'raw_data as a number', expect: 'E_PARSE', bytes: () => withTensor(dims(1), integer(9, 7)) },
  {
    name: 'float_data of five bytes',
    expect: 'E_PARSE',
    bytes: () => withTensor(dims(1), field(4, Buffer.alloc(5))),
  },
  {
    name: 'a group without end',
    expect: 'E_PARSE',
    bytes: () => Buffer.concat([model(...SOUND), varint(99 * 8 + 3)]),
  },
  {
    name: 'an end without group',
    expect: 'E_PARSE',
    bytes: () => Buffer.concat([model(...SOUND), varint(99 * 8 + 4)]),
  },
  {
    name: 'groups 100,000 deep',
    expect: 'E_PARSE',
    bytes: () =>
      Buffer.concat([
        model(...SOUND),
        Buffer.concat(Array<Buffer>(1e5).fill(varint(99 * 8 + 3))),
        Buffer.concat(Array<Buffer>(1e5).fill(varint(99 * 8 + 4))),
      ]),
  },
  {
    name: 'wire type 6',
    expect: 'E_PARSE',
    bytes: () => Buffer.concat([model(...SOUND), varint(99 * 8 + 6)]),
  },
  {
    name: 'field number 0',
    expect: 'E_PARSE',
    bytes: () => Buffer.concat([model(...SOUND), Buffer.of(0, 0)]),
  },
  {
    name: 'a varint of eleven bytes',
    expect: 'E_PARSE',
    bytes: () => Buffer.concat([Buffer.of(8), Buffer.alloc(10, 0xff), Buffer.of(1)]),
  },
  {
    name: 'a length of 2^63',
    expect: 'E_PARSE',
    bytes: () => Buffer.concat([HEADER, varint(7 * 8 + 2), varint(2n ** 63n)]),
  },
  { name: 'no graph', expect: 'E_MODEL', bytes: () => HEADER },
  {
    name: 'a tensor attribute given twice',
    expect: 'E_MODEL',
    bytes: () => {
      const value = field(5, integer(2, 1), dims(1), field(9, Buffer.alloc(4)));
      return model(...SOUND, node('Constant', [], ['c'], attribute('value', KIND.tensor, value, value)));
    },
  },
  { name: 'subgraphs 30 deep', expect: 'E_UNSUPPORTED', bytes: () => nested(30) },
  { name: 'subgraphs 500 deep', expect: 'E_UNSUPPORTED', bytes: () => nested(500) },
  {
    name: 'five million empty nodes',
    expect: 'E_LIMIT',
    bytes: () => model(...SOUND, Buffer.alloc(1e7, Buffer.of(0x0a, 0))),
  },
  {
    name: 'thirty million integers',
    expect: 'E_LIMIT',
    bytes: () =>
      model(...SOUND, node('Relu', ['x'], ['r'], attribute('a', KIND.ints, field(8, Buffer.alloc(3e7))))),
  },
];

const MODEL: HostileModel[] = [
  { name: 'no opset', expect: 'E_MODEL', bytes: () => Buffer.concat([integer(1, 8), field(7, ...SOUND)]) },
  {
    name: 'no IR version',
    expect: 'E_MODEL',
    bytes: () => Buffer.concat([field(8, integer(2, 17)), field(7, ...SOUND)]),
  },
  { name: 'opset 6', expect: 'E_UNSUPPORTED', bytes: () => teacher(() => ({ opset: 6 })) },
  { name: 'opset 99', expect: 'E_UNSUPPORTED', bytes: () => teacher(() => ({ opset: 99 })) },
  {
    name: 'opset 2^62',
    expect: 'E_MODEL',
    bytes: () => Buffer.concat([integer(1, 8), field(8, integer(2, 2n ** 62n)), field(7, ...SOUND)]),
  },
  {
    name: 'two opsets',
    expect: 'E_MODEL',
    bytes: () => Buffer.concat([model(...SOUND), field(8, integer(2, 13))]),
  },
  { name: 'no outputs', expect: 'E_MODEL', bytes: () => model(W, CONV, head('h'), input(X)) },
  { name: 'no inputs', expect: 'E_MODEL', bytes: () => model(W, CONV, head('h'), output(Y)) },
  { name: 'two inputs', expect: 'E_UNSUPPORTED', bytes: () => model(...SOUND, input({ ...X, name: 'x2' })) },
  { name: 'an input given twice', expect: 'E_MODEL', bytes: () => model(...SOUND, input(X)) },
  { name: 'an output given twice', expect: 'E_MODEL', bytes: () => model(...SOUND, output(Y)) },
  {
    name: 'a node without operator',
    expect: 'E_MODEL',
    bytes: () => model(...SOUND, node('', ['x'], ['z'])),
  },
  {
    name: 'a node that feeds itself',
    expect: 'E_MODEL',
    bytes: () => model(...SOUND, node('Add', ['z', 'x'], ['z'])),
  },
  {
    name: 'a cycle of two',
    expect: 'E_MODEL',
    bytes: () => model(...SOUND, node('Relu', ['b'], ['a']), node('Relu', ['a'], ['b'])),
  },
  {
    name: 'a cycle of 100,000',
    expect: 'E_MODEL',
    bytes: () =>
      model(
        ...SOUND,
        Buffer.concat(Array.from({ length: 1e5 }, (_, i) => node('Relu', [`c${(i + 1) % 1e5}`], [`c${i}`]))),
      ),
  },
  {
    name: 'a node that overwrites the input',
    expect: 'E_MODEL',
    bytes: () => model(...SOUND, node('Relu', ['h'], ['x'])),
  },
  {
    name: 'a node that overwrites a weight',
    expect: 'E_MODEL',
    bytes: () => model(...SOUND, node('Relu', ['h'], ['w'])),
  },
  {
    name: 'a function that calls itself',
    expect: 'E_MODEL',
    bytes: () => functions(1, 0, field(7, field(1, 'a'), field(2, 'b'), field(4, 'f0'), field(7, 'bomb'))),
  },
  { name: 'functions that double 60 times', expect: 'E_LIMIT', bytes: () => functions(60, 2, relu) },
  {
    name: 'functions that double 60 times and do nothing',
    expect: 'E_LIMIT',
    bytes: () => functions(60, 2, Buffer.alloc(0)),
  },
  { name: 'functions 1,000 deep', expect: 'E_LIMIT', bytes: () => functions(1000, 1, relu) },
  { name: 'functions that hold', expect: 'accept', bytes: () => functions(5, 1, relu) },
  {
    name: 'a node of 300,000 inputs',
    expect: 'E_LIMIT',
    bytes: () => model(W, CONV, node('Sum', Array<string>(3e5).fill('h'), ['g']), head('g'), ...ENDS),
  },
  {
    name: 'a chain of 200,000 nodes',
    expect: 'E_LIMIT',
    bytes: () =>
      model(
        W,
        CONV,
        chain(2e5, (a, b) => node('Relu', [a], [b])),
        head('g'),
        ...ENDS,
      ),
  },
  {
    name: 'a chain of 50,000 nodes',
    expect: 'E_LIMIT',
    bytes: () =>
      model(
        W,
        CONV,
        chain(5e4, (a, b) => node('Relu', [a], [b])),
        head('g'),
        ...ENDS,
      ),
  },
];

const TENSOR: HostileModel[] = [
  { name: 'a dimension of 2^62', expect: 'E_TENSOR', bytes: () => withTensor(dims(2n ** 62n, 3, 1, 1)) },
  {
    name: 'dimensions whose product is 2^64',
    expect: 'E_TENSOR',
    bytes: () => withTensor(dims(2 ** 32, 2 ** 32, 1, 1), field(9, Buffer.alloc(4))),
  },
  { name: 'a dimension of -1', expect: 'E_TENSOR', bytes: () => withTensor(dims(-1, 3, 1, 1)) },
  { name: 'no data', expect: 'E_TENSOR', bytes: () => withTensor(dims(4, 3, 1, 1)) },
  {
    name: 'too much data',
    expect: 'E_TENSOR',
    bytes: () => withTensor(dims(4, 3, 1, 1), field(9, Buffer.alloc(52))),
  },
  {
    name: 'data cut within an element',
    expect: 'E_TENSOR',
    bytes: () => withTensor(dims(4, 3, 1, 1), field(9, Buffer.alloc(47))),
  },
  { name: 'a dimension of 0', expect: 'E_UNSUPPORTED', bytes: () => withTensor(dims(0, 3, 1, 1)) },
  {
    name: 'strings for weights',
    expect: 'E_UNSUPPORTED',
    bytes: () =>
      model(field(5, field(8, 'w'), integer(2, 8), dims(1), field(6, 'a')), CONV, head('h'), ...ENDS),
  },
  {
    name: 'complex weights',
    expect: 'E_UNSUPPORTED',
    bytes: () =>
      model(
        field(5, field(8, 'w'), integer(2, 14), dims(1), field(9, Buffer.alloc(8))),
        CONV,
        head('h'),
        ...ENDS,
      ),
  },
  { name: 'a weight that is NaN', expect: 'E_NONFINITE', bytes: () => poisoned('first.weight', NaN) },
  {
    name: 'a weight that is infinite',
    expect: 'E_NONFINITE',
    bytes: () => poisoned('linear.weight', Infinity),
  },
  { name: 'a scale that is NaN', expect: 'E_NONFINITE', bytes: () => poisoned('first.scale', NaN) },
  {
    name: 'a running mean that is -infinite',
    expect: 'E_NONFINITE',
    bytes: () => poisoned('second.mean', -Infinity),
  },
  { name: 'a negative variance', expect: 'E_TENSOR', bytes: () => poisoned('first.variance', -1) },
  {
    name: 'an epsilon that is NaN',
    expect: 'E_NONFINITE',
    bytes: () =>
      teacher(({ nodes }) => ({
        nodes: nodes.map((one) =>
          one.opType === 'BatchNormalization' ? { ...one, attributes: { epsilon: { float: NaN } } } : one,
        ),
      })),
  },
];

const SHAPE: HostileModel[] = [
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

const OUTPUT: HostileModel[] = [
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

const NAMES: HostileModel[] = [
  ...[
    '__proto__',
    'constructor',
    'toString',
    'hasOwnProperty',
    '\x1b[31mred\x07',
    '<script>alert(1)</script>',
    '../../etc/passwd',
    '\u202e',
    '💥',
    LONG,
  ].flatMap((name): HostileModel[] => [
    {
      name: `a weight called ${JSON.stringify(name.slice(0, 20))}`,
      expect: 'accept',
      bytes: () => renamed('first.weight', name),
    },
    {
      name: `an input called ${JSON.stringify(name.slice(0, 20))}`,
      expect: 'accept',
      bytes: () => renamed('input', name),
    },
    {
      name: `an operator called ${JSON.stringify(name.slice(0, 20))}`,
      expect: 'E_UNSUPPORTED',
      bytes: () => model(W, CONV, node(name, ['h'], ['g']), head('g'), ...ENDS),
    },
  ]),
  {
    name: 'a NUL character in a name',
    expect: 'E_MODEL',
    bytes: () => renamed('first.weight', 'a\0b'),
  },
  { name: 'an 8 MB name in nested calls', expect: 'E_LIMIT', bytes: () => functions(3, 20, relu, LONG) },
];

export const HOSTILE_MODELS: readonly HostileModel[] = [
  ...WIRE,
  ...MODEL,
  ...TENSOR,
  ...SHAPE,
  ...OUTPUT,
  ...NAMES,
];
