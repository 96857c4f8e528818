import { encodeModel, type AttributeSpec } from '../../converters/encode.js';
import type { DataType, Graph, Tensor } from '../../converters/model.js';
import { findOperator } from '../../converters/ops/index.js';
import { createRandom } from '../../src/random.js';

/**
 * Values about 0 in random order, all exact in binary, as central differences of step 2^-10 want them: within one
 * tensor 1/64 apart, tensors whose seeds differ modulo 4 at least 1/256 from each other, and every one at least 1/512
 * from a multiple of 1/64. So no maximum is tied, and no step crosses a kink.
 */
export function floats(dims: readonly number[], seed = 1): Tensor {
  const length = dims.reduce((product, dim) => product * dim, 1);
  const order = createRandom(seed).permutation(length);
  const offset = (2 * (seed % 4) + 1) / 512;
  const data = Float32Array.from(order, (k) => (k - Math.floor(length / 2)) / 64 + offset);
  return { type: 'float', dims, data };
}

export function floatsOf(dims: readonly number[], ...values: number[]): Tensor {
  return { type: 'float', dims, data: Float32Array.from(values) };
}

/** From 1/2 on, for functions that are steep or undefined at 0. */
export function positive(dims: readonly number[], seed = 1): Tensor {
  const tensor = floats(dims, seed);
  return { ...tensor, data: (tensor.data as Float32Array).map((x) => Math.abs(x) + 0.5) };
}

export function ints(...values: number[]): Tensor {
  return { type: 'int64', dims: [values.length], data: BigInt64Array.from(values, BigInt) };
}

export function bools(dims: readonly number[], seed = 1): Tensor {
  return {
    type: 'bool',
    dims,
    data: Uint8Array.from(floats(dims, seed).data as Float32Array, (x) => Number(x > 0)),
  };
}

export function scalar(value: number): Tensor {
  return { type: 'float', dims: [], data: Float32Array.of(value) };
}

export type Attributes = Readonly<Record<string, AttributeSpec>>;

/** A model of one node. */
export interface Case {
  readonly opType: string;
  readonly opset: number;
  readonly inputs: readonly (Tensor | undefined)[];
  readonly attributes: Attributes;
  readonly outputs: number;
  /** Element type of the outputs. */
  readonly type: DataType;
  /** Positions of inputs stored in the file, as weights are. */
  readonly stored: readonly number[];
}

export function op(
  opType: string,
  opset: number,
  inputs: readonly (Tensor | undefined)[],
  attributes: Attributes = {},
  outputs = 1,
): Case {
  return { opType, opset, inputs, attributes, outputs, type: inputs[0]?.type ?? 'float', stored: [] };
}

export function giving(type: DataType, item: Case): Case {
  return { ...item, type };
}

export function storing(stored: readonly number[], item: Case): Case {
  return { ...item, stored };
}

/** As a test's title. */
export function describeCase({ opType, opset, inputs, attributes }: Case): string {
  const shown = (tensor: Tensor) =>
    tensor.type === 'int64' || tensor.dims.length === 0
      ? `(${tensor.data.join()})`
      : `[${tensor.dims.join()}]`;
  const shapes = inputs.map((tensor) => (tensor ? shown(tensor) : 'none')).join(' ');
  // Tensors by their shape.
  const options = JSON.stringify(attributes, (_, value: { dims?: unknown }) => value.dims ?? value);
  return `${opType}-${opset} ${shapes} ${options}`;
}

/** Inputs that must be constant are stored in the file, as are all of an operator that has no forward computation. */
export function encode({ opType, opset, inputs, attributes, outputs, type, stored }: Case): Uint8Array {
  const definition = findOperator({ domain: '', opType }, opset)!;
  const names = inputs.map((tensor, i) => (tensor ? `x${i}` : ''));
  const named = inputs.flatMap((tensor, i) => (tensor ? [[names[i], tensor, i] as const] : []));
  const constant = definition.fold !== undefined && definition.forward === undefined;
  const isFixed = (i: number) => constant || stored.includes(i) || definition.constantInputs.includes(i);
  const results = Array.from({ length: outputs }, (_, i) => `y${i}`);
  return encodeModel({
    opset,
    irVersion: 8,
    nodes: [{ opType, inputs: names, outputs: results, attributes }],
    initializers: new Map(named.filter(([, , i]) => isFixed(i)).map(([name, tensor]) => [name, tensor])),
    inputs: named
      .filter(([, , i]) => !isFixed(i))
      .map(([name, { type: of, dims }]) => ({ name, type: of, shape: dims })),
    // Of any rank: shapes are what is tested.
    outputs: results.map((name) => ({ name, type, shape: [] })),
  });
}

export function graphInputs({ inputs }: Case, graph: Graph): Map<string, Tensor> {
  return new Map(graph.inputs.map(({ name }) => [name, inputs[Number(name.slice(1))]!]));
}
