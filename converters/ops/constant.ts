import type { Tensor } from '../model.js';
import {
  defineOp,
  optionalFloat,
  optionalFloats,
  optionalInt,
  optionalInts,
  optionalTensor,
  type Attributes,
} from './define-op.js';
import { int64Tensor } from './support/constants.js';
import { attributeError } from './support/shapes.js';

const attributes = {
  value: optionalTensor(),
  value_float: optionalFloat({ since: 12 }),
  value_floats: optionalFloats({ since: 12 }),
  value_int: optionalInt({ since: 12 }),
  value_ints: optionalInts({ since: 12 }),
};

export const Constant = defineOp('Constant', {
  since: [1, 9, 11, 12, 13, 19, 21, 23, 24, 25],
  inputs: [0, 0],
  outputs: [1, 1],
  attributes,
  shape: (_, values) => [tensorIn(values).dims],
  fold: (_, values) => [tensorIn(values)],
});

function tensorIn(values: Attributes<typeof attributes>): Tensor {
  const { value, value_float: float, value_floats: floats, value_int: int, value_ints: ints } = values;
  if (value) return value;
  if (float !== undefined) return { type: 'float', dims: [], data: Float32Array.of(float) };
  if (floats) return { type: 'float', dims: [floats.length], data: Float32Array.from(floats) };
  if (int !== undefined) return int64Tensor([int], []);
  if (ints) return int64Tensor(ints);
  throw attributeError('it has no numeric value.');
}
