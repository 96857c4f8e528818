import { HEADER, KIND, attribute, field, integer, model, node, varint } from '../wire-models.js';
import { SOUND, dims, nested, withTensor, type HostileModel } from './parts.js';

/** Files that break the wire format. */
export const WIRE: readonly HostileModel[] = [
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
