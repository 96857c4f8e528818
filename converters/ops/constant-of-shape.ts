import { defineOp, optionalTensor } from './define-op.js';
import { elementAt, tensorOf, toIntegers, toScalar } from './support/constants.js';
import { sizeOf } from './support/shapes.js';

const ZERO = tensorOf('float', [1], [0]);

export const ConstantOfShape = defineOp('ConstantOfShape', {
  since: [9, 20, 21, 23, 24, 25],
  inputs: [1, 1],
  outputs: [1, 1],
  differentiable: false,
  constantInputs: [0],
  attributes: { value: optionalTensor() },
  shape: (_, __, { constants }) => [toIntegers(constants[0]!, 'dimensions')],
  fold(_, { value = ZERO }, { outputShapes: [shape] }) {
    toScalar(value, 'value');
    return [tensorOf(value.type, shape, new Array(sizeOf(shape)).fill(elementAt(value, 0)))];
  },
  forward: (tf, _, { value = ZERO }, { outputShapes: [shape] }) => [
    tf.fill([...shape], toScalar(value, 'value')),
  ],
});
