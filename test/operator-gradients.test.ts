/** Operators and their gradients, eager and compiled, against PyTorch's autograd (scripts/make_gradient_vectors.py). */
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Attribute, Tensor } from '../converters/model.js';
import { findOperator } from '../converters/ops/index.js';
import { parseAttributes } from '../converters/ops/parse-attributes.js';
import type { Engine, HostTensor, Step } from '../src/engine/engine.js';
import { createOnnxRuntimeEngine } from '../src/engine/onnxruntime/index.js';
import { createEagerEngine } from './support/eager-engine.js';
import { VECTORS, type Encoded, type Vector } from './support/gradient-vectors.js';

const OPSET = 24;
let engines: readonly Engine[];

beforeAll(async () => {
  engines = [await createEagerEngine(), createOnnxRuntimeEngine({ threads: 1 })];
});

const toHost = ({ shape, data }: Encoded): HostTensor => ({ shape, data: Float32Array.from(data) });

const toTensor = ({ shape, data, type = 'float' }: Encoded & { type?: 'float' | 'int64' }): Tensor => ({
  type,
  dims: shape,
  data: type === 'float' ? Float32Array.from(data) : BigInt64Array.from(data, BigInt),
});

/** The operator as the network would call it: a function of the case's inputs. */
function operatorOf(example: Vector): (xs: readonly tf.Tensor[]) => tf.Tensor {
  const { op, attributes, inputs, constants, gradients, opset = OPSET } = example;
  const definition = findOperator({ domain: '', opType: op }, opset)!;
  const values = Object.entries(attributes).map(([name, value]): [string, Attribute] => [
    name,
    { kind: definition.attributes[name].kind, value } as Attribute,
  ]);
  const node = { label: op, opType: op, domain: '', inputs: [], outputs: ['y'], attributes: new Map(values) };
  const parsed = parseAttributes(definition, node, opset);
  const known = [
    ...inputs.map((x, i) => (gradients[i] ? undefined : toTensor(x))),
    ...constants.map(toTensor),
  ];
  const context = {
    opset,
    constants: known,
    types: [...inputs, ...constants].map(() => 'float' as const),
    outputCount: example.outputs ?? 1,
  };
  const shapes = [...inputs, ...constants].map(({ shape }) => shape);
  const outputShapes = definition.shape(shapes, parsed, context);
  return (xs) => {
    const operands = op === 'Where' ? [tf.cast(xs[0], 'bool'), ...xs.slice(1)] : xs;
    const outputs = definition.forward!(tf, operands, parsed, { ...context, outputShapes });
    return example.outputs ? tf.concat(outputs.map((output) => tf.reshape(output, [-1]))) : outputs[0];
  };
}

/** Output `y` and, for every input that takes one, the gradient by its position. */
function gradientStep(example: Vector): Step {
  const operator = operatorOf(example);
  const free = example.gradients.flatMap((gradient, position) => (gradient ? [position] : []));
  return (_, input) => {
    const all = example.inputs.map((_input, position) => input[position]);
    const apply = (...xs: tf.Tensor[]) =>
      operator(all.map((x, i) => (free.includes(i) ? xs[free.indexOf(i)] : x)));
    const xs = free.map((position) => all[position]);
    // Summed up here: tfjs has no gradient of a function that returns its input.
    const gradients = tf.grads((...inputs: tf.Tensor[]) => tf.sum(tf.mul(apply(...inputs), input['dy'])))(xs);
    return {
      state: {},
      output: { y: apply(...xs), ...Object.fromEntries(gradients.map((g, i) => [String(free[i]), g])) },
    };
  };
}

function expectClose(name: string, actual: HostTensor, { shape, data }: Encoded): void {
  expect(actual.shape, name).toEqual(shape);
  data.forEach((value, i) => {
    const error = Math.abs(actual.data[i] - value);
    if (!(error <= 1e-5 + 1e-4 * Math.abs(value)))
      expect.fail(`${name}[${i}]: ${actual.data[i]}, not ${value}`);
  });
}

describe.each(VECTORS)('%s', (_, vectors) => {
  test.each(vectors.map((example, i) => ({ title: describeVector(example, i), example })))(
    '$title',
    async ({ example }) => {
      const input = {
        ...Object.fromEntries(example.inputs.map((x, i) => [String(i), toHost(x)])),
        dy: toHost(example.gradOutput),
      };
      for (const engine of engines) {
        const step = await engine.compile(gradientStep(example), { state: {}, input });
        const output = await step.run(input);
        expectClose(`${engine.name} output`, output['y'], example.output);
        example.gradients.forEach((gradient, i) => {
          if (gradient) expectClose(`${engine.name} gradient of input ${i}`, output[i], gradient);
        });
        await step.dispose();
      }
    },
  );
});

function describeVector({ op, attributes }: Vector, index: number): string {
  return `${index} ${op} ${JSON.stringify(attributes)}`;
}
