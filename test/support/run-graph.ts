import * as tf from '@tensorflow/tfjs-core';
import { expect } from 'vitest';
import { naming, inferGraph } from '../../converters/infer-shapes.js';
import type { DataType, Graph, Tensor } from '../../converters/model.js';
import { findOperator } from '../../converters/ops/index.js';

/** Evaluates a graph, on any inputs, as the network does: constants fold, tfjs computes the rest. */
export function runGraph(
  graph: Graph,
  opset: number,
  inputs: ReadonlyMap<string, Tensor>,
): Map<string, Tensor> {
  const fixed = [...inputs].filter(
    ([name, { type }]) => type !== 'float' || mustBeConstant(graph, opset, name),
  );
  const open = [...inputs].filter(([name]) => !fixed.some(([other]) => other === name));
  const initializers = new Map([...graph.initializers, ...fixed]);
  const shapes = new Map(open.map(([name, { dims }]) => [name, dims]));
  const { constants, operations } = inferGraph({ ...graph, initializers }, opset, shapes);

  const values = new Map(open.map(([name, tensor]) => [name, toTfjs(tensor)]));
  for (const node of graph.nodes) {
    if (node.outputs.every((name) => name === '' || constants.has(name))) continue;
    const { definition, attributes, context } = operations.get(node)!;
    const tensors = node.inputs.map((name, i) => {
      if (name === '' || [...definition.constantInputs, ...definition.typeInputs].includes(i))
        return undefined;
      return values.get(name) ?? toTfjs(constants.get(name)!);
    });
    const outputs = naming(node, () => definition.forward!(tf, tensors, attributes, context));
    outputs.forEach((output, i) => {
      if (node.outputs[i]) values.set(node.outputs[i], output);
    });
    outputs.forEach((output, i) => {
      if (context.outputShapes[i].join() !== output.shape.join()) {
        throw new Error(
          `${node.opType} infers [${context.outputShapes[i].join()}], gives [${output.shape.join()}]`,
        );
      }
    });
  }
  return new Map(
    graph.outputs.map(({ name }) => [name, constants.get(name) ?? fromTfjs(values.get(name)!)] as const),
  );
}

function mustBeConstant(graph: Graph, opset: number, name: string): boolean {
  return graph.nodes.some((node) =>
    findOperator(node, opset)?.constantInputs.some((position) => node.inputs[position] === name),
  );
}

export function toTfjs({ type, dims, data }: Tensor): tf.Tensor {
  if (type === 'float') return tf.tensor(Float32Array.from(data as Float32Array), [...dims], 'float32');
  return tf.tensor(
    Int32Array.from(data as Int32Array, Number),
    [...dims],
    type === 'bool' ? 'bool' : 'int32',
  );
}

function fromTfjs(tensor: tf.Tensor): Tensor {
  const types: Record<string, DataType> = { float32: 'float', int32: 'int32', bool: 'bool' };
  return { type: types[tensor.dtype], dims: tensor.shape, data: tensor.dataSync() };
}

/** |actual - expected| <= absolute + relative |expected|, element by element; shapes equal; NaN only where expected. */
export function expectClose(actual: Tensor, expected: Tensor, relative: number, absolute: number): void {
  expect(actual.dims).toEqual(expected.dims);
  const values = Array.from(actual.data, Number);
  const failures = Array.from(expected.data, Number).flatMap((wanted, i) => {
    const got = values[i];
    const fits = Object.is(got, wanted) || Math.abs(got - wanted) <= absolute + relative * Math.abs(wanted);
    return fits || got === wanted ? [] : [`element ${i} is ${got}, expected ${wanted}`];
  });
  expect(failures.slice(0, 3)).toEqual([]);
}
