import { field, head, integer, model } from '../wire-models.js';
import { CONV, ENDS, dims, poisoned, teacher, withTensor, type HostileModel } from './parts.js';

/** Constants that do not hold what they say. */
export const TENSOR: readonly HostileModel[] = [
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
