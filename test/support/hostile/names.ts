import { head, model, node } from '../wire-models.js';
import { CONV, ENDS, LONG, W, functions, relu, renamed, type HostileModel } from './parts.js';

/** Names that programs trip over. */
export const NAMES: readonly HostileModel[] = [
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
