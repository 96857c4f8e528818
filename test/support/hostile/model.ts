import { X, Y, field, head, input, integer, model, node, output } from '../wire-models.js';
import { CONV, ENDS, SOUND, W, chain, functions, relu, teacher, type HostileModel } from './parts.js';

/** Graphs that are none. */
export const MODEL: readonly HostileModel[] = [
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
