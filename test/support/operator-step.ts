/** One operator as a step of an engine, as the network would call it. */
import * as tf from '@tensorflow/tfjs-core';
import { inferGraph } from '../../converters/infer-shapes.js';
import type { Tensor } from '../../converters/model.js';
import { decodeModel } from '../../converters/read.js';
import type { Engine, HostTensor, Step } from '../../src/engine/engine.js';
import { loadOnnxRuntime } from '../../src/engine/onnxruntime/runtime.js';
import { encode, graphInputs, type Case } from './operator-cases.js';
import { toTfjs } from './run-graph.js';

export interface Operator {
  /** The inputs that the file does not store, by name. Only float ones have gradients. */
  readonly inputs: ReadonlyMap<string, Tensor>;
  /** The outputs from those inputs, all float32: bool inputs are 0 and 1, as are bool outputs. */
  readonly compute: (inputs: Readonly<Record<string, tf.Tensor>>) => tf.Tensor[];
}

/** undefined where the operator is for constants and shapes only, or the case has an input of integers. */
export function operatorOf(item: Case): Operator | undefined {
  const { graph } = decodeModel(encode(item));
  const inputs = graphInputs(item, graph);
  const [node] = graph.nodes;
  const shapes = new Map([...inputs].map(([name, { dims }]) => [name, dims]));
  const { definition, attributes, context } = inferGraph(graph, item.opset, shapes).operations.get(node)!;
  const isRead = (i: number) => !definition.constantInputs.includes(i) && !definition.typeInputs.includes(i);
  const free = new Map([...inputs].filter(([name]) => isRead(node.inputs.indexOf(name))));
  if (!definition.forward || [...free.values()].some(({ type }) => type !== 'float' && type !== 'bool')) {
    return undefined;
  }
  const compute: Operator['compute'] = (given) => {
    const tensors = node.inputs.map((name, i) => {
      if (name === '' || !isRead(i)) return undefined;
      const tensor = free.get(name);
      if (tensor === undefined) return toTfjs(graph.initializers.get(name)!);
      return tensor.type === 'bool' ? tf.cast(given[name], 'bool') : given[name];
    });
    const outputs = definition.forward!(tf, tensors, attributes, context).slice(0, item.outputs);
    return outputs.map((y) => tf.cast(y, 'float32'));
  };
  return { inputs: free, compute };
}

/** Whether it has an input that can have a gradient. */
export const hasFloats = (item: Case): boolean =>
  [...(operatorOf(item)?.inputs.values() ?? [])].some(({ type }) => type === 'float');

/** The case's outputs as onnxruntime computes them. */
export async function runInOnnxRuntime(item: Case): Promise<Tensor[]> {
  const { InferenceSession, Tensor: OrtTensor } = loadOnnxRuntime();
  const bytes = encode(item);
  const session = await InferenceSession.create(bytes, { intraOpNumThreads: 1, logSeverityLevel: 4 });
  const feeds = Object.fromEntries(
    [...graphInputs(item, decodeModel(bytes).graph)].map(([name, { type, dims, data }]) => [
      name,
      new OrtTensor(type === 'float' ? 'float32' : (type as 'int64'), data as BigInt64Array, [...dims]),
    ]),
  );
  const results = await session.run(feeds);
  await session.release();
  return session.outputNames.map((name) => {
    const { dims, data } = results[name];
    return { type: item.type, dims, data: data as Float32Array };
  });
}

/** Outputs `0`, `1`, ...: those of the operator. */
export const forwardStep =
  ({ compute }: Operator): Step =>
  (_, input) => ({ state: {}, output: numbered(compute(input)) });

/** The outputs as `engine` computes them. */
export async function runOnEngine(engine: Engine, operator: Operator): Promise<HostTensor[]> {
  const input = hostInputs(operator.inputs);
  const compiled = await engine.compile(forwardStep(operator), { state: {}, input });
  const output = await compiled.run(input);
  const results = Object.keys(output).map((_, i) => output[i]);
  await compiled.dispose();
  return results;
}

const numbered = (tensors: readonly tf.Tensor[]) =>
  Object.fromEntries(tensors.map((tensor, i) => [String(i), tensor]));

export function hostInputs(inputs: Operator['inputs']): Record<string, HostTensor> {
  return Object.fromEntries(
    [...inputs].map(([name, { dims, data }]) => [
      name,
      { shape: dims, data: Float32Array.from(data as Float32Array) },
    ]),
  );
}

/** The weight of an output in the loss, as an input of the step. */
export const weightName = (output: number) => `weight${output}`;

/**
 * Outputs `0`, `1`, ...: those of the operator. Outputs of an input's name: the gradient of the sum of all outputs'
 * elements, each times its weight.
 */
export function gradientStep({ inputs, compute }: Operator): Step {
  const names = [...inputs.keys()].filter((name) => inputs.get(name)!.type === 'float');
  return (_, input) => {
    const loss = (...xs: tf.Tensor[]) => {
      const free = Object.fromEntries(names.map((name, i) => [name, xs[i]]));
      return compute({ ...input, ...free })
        .map((y, i) => tf.sum(tf.mul(y, input[weightName(i)])))
        .reduce((a, b) => tf.add(a, b));
    };
    const gradients = tf.grads(loss)(names.map((name) => input[name]));
    return {
      state: {},
      output: {
        ...numbered(compute(input)),
        ...Object.fromEntries(gradients.map((gradient, i) => [names[i], gradient])),
      },
    };
  };
}
