import { defineOp, requiredFloats, string, type Attributes, type ShapeContext } from './define-op.js';
import { resampleBy, resize } from './support/resize.js';
import { attributeError } from './support/shapes.js';

const attributes = {
  mode: string('nearest', { oneOf: ['nearest', 'linear'] }),
  scales: requiredFloats({ before: 9 }),
};

/** Scales are an attribute before opset 9, an input at 9; Resize took its place at opset 10. */
export const Upsample = defineOp('Upsample', {
  since: [7, 9],
  before: 10,
  inputs: [1, 2],
  outputs: [1, 1],
  constantInputs: [1],
  attributes,
  shape: ([x], values, context) => [resampleBy(x, scalesOf(values, context)).map(({ output }) => output)],
  forward(tf, [x], values, context) {
    const rules = {
      mode: values.mode,
      coordinates: 'asymmetric',
      nearest: 'floor',
      cubic: 0,
      excludeOutside: false,
      antialias: false,
    };
    return [resize(tf, x, resampleBy(x.shape, scalesOf(values, context)), rules)];
  },
});

function scalesOf({ scales }: Attributes<typeof attributes>, { constants }: ShapeContext): readonly number[] {
  const given = constants[1]
    ? Array.from(constants[1].data, Number)
    : (scales as readonly number[] | undefined);
  if (given === undefined) throw attributeError('it has no scales.');
  return given;
}
