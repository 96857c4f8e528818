import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { GraphSpec, NodeSpec } from '../converters/encode.js';
import { encodeModel } from '../converters/encode.js';
import type { Graph, Model } from '../converters/model.js';
import { dropDeadNodes } from '../converters/passes/drop-dead-nodes.js';
import { findBatchNorms, findFolding } from '../converters/passes/find-batch-norms.js';
import { inlineFunctions } from '../converters/passes/inline-functions.js';
import { resolveIdentities } from '../converters/passes/resolve-identities.js';
import { decodeModel, readModel } from '../converters/read.js';
import { onnx } from '../converters/schema/onnx.js';
import { loadOnnxRuntime } from '../src/engine/onnxruntime/runtime.js';
import { float, linearModel } from './support/models.js';

const TEACHERS = new URL('../../shared/teachers/', import.meta.url).pathname;

const nodesOf = ({ nodes }: Graph) =>
  nodes.map(({ opType, inputs, outputs }) => `${outputs.join()} = ${opType}(${inputs.join()})`);

const node = (opType: string, inputs: string[], outputs: string[]): NodeSpec => ({ opType, inputs, outputs });

function graphOf(nodes: NodeSpec[], initializers: GraphSpec['initializers'] = new Map()): Graph {
  return decodeModel(encodeModel({ ...linearModel(), nodes, initializers })).graph;
}

describe('resolveIdentities', () => {
  test('readers of an alias read its source', () => {
    const graph = graphOf(
      [
        node('Identity', ['w'], ['w1']),
        node('Identity', ['w1'], ['w2']),
        node('Dropout', ['x'], ['d']),
        node('MatMul', ['d', 'w2'], ['y']),
      ],
      new Map([['w', float([2, 3], [1, 2, 3, 4, 5, 6])]]),
    );
    expect(nodesOf(resolveIdentities(graph))).toEqual(['y = MatMul(x,w)']);
  });

  test('an alias that is an output stays, and so does a mask that is read', () => {
    const graph = graphOf([
      node('Dropout', ['x'], ['d', 'mask']),
      node('Cast', ['mask'], ['m']),
      node('Relu', ['d'], ['r']),
      node('Identity', ['r'], ['i']),
      node('Identity', ['i'], ['y']),
    ]);
    expect(nodesOf(resolveIdentities(graph))).toEqual([
      'd,mask = Dropout(x)',
      'm = Cast(mask)',
      'r = Relu(x)',
      'y = Identity(r)',
    ]);
  });
});

test('dropDeadNodes keeps what the outputs depend on', () => {
  const graph = graphOf(
    [
      node('Relu', ['x'], ['a']),
      node('Shape', ['x'], ['shape']),
      node('Add', ['a', 'w'], ['b']),
      node('Relu', ['b'], ['y']),
      node('Add', ['y', 'dead'], ['after']),
    ],
    new Map([
      ['w', float([1], [1])],
      ['dead', float([1], [1])],
    ]),
  );
  const live = dropDeadNodes(graph);
  expect(nodesOf(live)).toEqual(['a = Relu(x)', 'b = Add(a,w)', 'y = Relu(b)']);
  expect([...live.initializers.keys()]).toEqual(['w']);
  expect(live.inputs).toEqual(graph.inputs);
  const part = dropDeadNodes({ ...graph, outputs: [...graph.outputs, { ...graph.outputs[0], name: 'a' }] }, [
    'a',
  ]);
  expect(nodesOf(part)).toEqual(['a = Relu(x)']);
  expect(part.outputs.map(({ name }) => name)).toEqual(['a']);
});

describe('inlineFunctions', () => {
  const { FLOAT } = onnx.AttributeProto.AttributeType;
  const opsetImport = [
    { domain: '', version: 17 },
    { domain: 'local', version: 1 },
  ];
  const type = {
    tensorType: {
      elemType: onnx.TensorProto.DataType.FLOAT,
      shape: { dim: [{ dimValue: 2 }, { dimValue: 2 }] },
    },
  };
  const leaky: onnx.FunctionProto.$Properties = {
    domain: 'local',
    name: 'leaky',
    input: ['a'],
    output: ['b'],
    attribute: ['slope'],
    attributeProto: [{ name: 'shift', type: FLOAT, f: 0.5 }],
    opsetImport,
    node: [
      {
        opType: 'LeakyRelu',
        input: ['a'],
        output: ['t'],
        attribute: [{ name: 'alpha', type: FLOAT, refAttrName: 'slope' }],
      },
      {
        opType: 'Constant',
        output: ['c'],
        attribute: [{ name: 'value_float', type: FLOAT, refAttrName: 'shift' }],
      },
      { opType: 'Add', input: ['t', 'c'], output: ['b'] },
    ],
  };
  const twice: onnx.FunctionProto.$Properties = {
    domain: 'local',
    name: 'twice',
    input: ['a'],
    output: ['b'],
    opsetImport,
    node: [
      {
        domain: 'local',
        opType: 'leaky',
        input: ['a'],
        output: ['t'],
        attribute: [{ name: 'slope', type: FLOAT, f: 0.25 }],
      },
      {
        domain: 'local',
        opType: 'leaky',
        input: ['t'],
        output: ['b'],
        attribute: [{ name: 'shift', type: FLOAT, f: -4 }],
      },
    ],
  };
  const modelOf = (functions: onnx.FunctionProto.$Properties[], opType = 'twice') =>
    onnx.ModelProto.encode({
      irVersion: 8,
      opsetImport,
      functions,
      graph: {
        name: 'g',
        input: [{ name: 'x', type }],
        output: [{ name: 'y', type }],
        node: [{ domain: 'local', opType, name: 'call', input: ['x'], output: ['y'] }],
      },
    }).finish();

  function encodeInlined(model: Model): Uint8Array {
    const graph = inlineFunctions(model);
    const attributes = (i: number) =>
      Object.fromEntries(
        [...graph.nodes[i].attributes].map(([name, { value }]) => [name, { float: value as number }]),
      );
    return encodeModel({
      opset: 17,
      irVersion: 8,
      nodes: graph.nodes.map((each, i) => ({ ...each, attributes: attributes(i) })),
      initializers: new Map(),
      inputs: [{ name: 'x', type: 'float', shape: [2, 2] }],
      outputs: [{ name: 'y', type: 'float', shape: [2, 2] }],
    });
  }

  async function run(bytes: Uint8Array): Promise<number[]> {
    const ort = loadOnnxRuntime();
    const session = await ort.InferenceSession.create(bytes);
    const { y } = await session.run({ x: new ort.Tensor('float32', Float32Array.of(1, -1, -8, 8), [2, 2]) });
    return [...(y.data as Float32Array)];
  }

  test('computes what onnxruntime computes with the functions', async () => {
    const bytes = modelOf([leaky, twice]);
    const model = decodeModel(bytes);
    expect(await run(encodeInlined(model))).toEqual(await run(bytes));
    const graph = inlineFunctions(model);
    expect(nodesOf(graph)).toEqual([
      'y/t/t = LeakyRelu(x)',
      'y/t/c = Constant()',
      'y/t = Add(y/t/t,y/t/c)',
      'y#1/t = LeakyRelu(y/t)',
      'y#1/c = Constant()',
      'y = Add(y#1/t,y#1/c)',
    ]);
    expect(graph.initializers.get('y#1/c')).toEqual(float([], [-4]));
  });

  test('a graph without calls is returned as it is', () => {
    const model = decodeModel(encodeModel(linearModel()));
    expect(inlineFunctions(model)).toBe(model.graph);
  });

  test('endless, doubling and foreign functions are refused', () => {
    const self = { ...twice, node: twice.node!.map((each) => ({ ...each, opType: 'twice' })) };
    expect(() => inlineFunctions(decodeModel(modelOf([self])))).toThrow("Function 'twice' calls itself.");
    const doubling = Array.from({ length: 40 }, (_, i) => ({
      ...twice,
      name: `f${i}`,
      node: twice.node!.map((each) => ({ ...each, opType: i === 0 ? 'leaky' : `f${i - 1}` })),
    }));
    expect(() => inlineFunctions(decodeModel(modelOf([leaky, ...doubling], 'f39')))).toThrow(
      expect.objectContaining({ code: 'E_LIMIT' }),
    );
    const older = { ...leaky, opsetImport: [{ domain: '', version: 13 }] };
    expect(() => inlineFunctions(decodeModel(modelOf([older, twice])))).toThrow(
      'uses opset 13 in a model of opset 17',
    );
  });
});

describe('findBatchNorms', () => {
  const vector = (...values: number[]) => float([values.length], values);
  const parameters = new Map([
    ['s', vector(1, 2)],
    ['o', vector(3, 4)],
    ['m', vector(5, 6)],
  ]);
  const stored: NodeSpec = {
    opType: 'Constant',
    inputs: [],
    outputs: ['v'],
    attributes: { value: vector(7, 8) },
  };
  const batchNorm = (outputs: string[], attributes: NodeSpec['attributes'] = {}): NodeSpec => ({
    opType: 'BatchNormalization',
    name: 'bn',
    inputs: ['x', 's', 'o', 'm2', 'v'],
    outputs,
    attributes,
  });
  const identity = node('Identity', ['m'], ['m2']);

  test.each([
    ['inference', batchNorm(['y'], { epsilon: { float: 0.25 } })],
    ['training, opset 14', batchNorm(['y', 'm3', 'v3'], { epsilon: { float: 0.25 }, training_mode: 1 })],
    ['training, before opset 14', batchNorm(['y', 'm3', 'v3', 'm4', 'v4'], { epsilon: { float: 0.25 } })],
  ])('%s form, parameters in an initializer, a Constant, behind Identity', (_, bn) => {
    const [found, ...others] = findBatchNorms(graphOf([stored, identity, bn], parameters));
    expect(others).toEqual([]);
    expect(found).toEqual({
      name: 'bn',
      channels: 2,
      epsilon: 0.25,
      scale: { name: 's', tensor: vector(1, 2) },
      offset: { name: 'o', tensor: vector(3, 4) },
      mean: { name: 'm', tensor: vector(5, 6) },
      variance: { name: 'v', tensor: vector(7, 8) },
    });
  });

  test('computed statistics are refused, and lengths that differ', () => {
    const computed = [stored, node('Relu', ['m'], ['m2']), batchNorm(['y'])];
    expect(() => findBatchNorms(graphOf(computed, parameters))).toThrow(
      "computes 'm2' instead of storing it",
    );
    const longer = new Map(parameters).set('m', vector(1, 2, 3));
    expect(() => findBatchNorms(graphOf([stored, identity, batchNorm(['y'])], longer))).toThrow(
      expect.objectContaining({ code: 'E_SHAPE' }),
    );
  });

  test.skipIf(!existsSync(TEACHERS)).each([
    ['resnet20.onnx', 19, false],
    ['resnet20-dynamo-noopt.onnx', 19, false],
    ['resnet20-training-mode.onnx', 19, false],
    ['resnet20-dynamo-default.onnx', 0, true],
    ['resnet20-folded.onnx', 0, true],
  ])('../shared/teachers/%s has %i', async (name, count, folded) => {
    const graph = inlineFunctions(await readModel(join(TEACHERS, name)));
    const live = dropDeadNodes(resolveIdentities(graph));
    expect(findBatchNorms(graph)).toHaveLength(count);
    expect(findBatchNorms(live)).toEqual(findBatchNorms(graph));
    expect(findFolding(live) !== null).toBe(folded);
  });
});
