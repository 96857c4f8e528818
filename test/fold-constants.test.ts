import { describe, expect, test } from 'vitest';
import { encodeModel, type GraphSpec, type NodeSpec } from '../converters/encode.js';
import type { Tensor } from '../converters/model.js';
import { dropDeadNodes } from '../converters/passes/drop-dead-nodes.js';
import { foldConstants } from '../converters/passes/fold-constants.js';
import { decodeModel } from '../converters/read.js';
import { loadOnnxRuntime } from '../src/engine/onnxruntime/runtime.js';

function int64(...values: (number | bigint)[]): Tensor {
  return { type: 'int64', dims: [values.length], data: BigInt64Array.from(values, BigInt) };
}

function int32(...values: number[]): Tensor {
  return { type: 'int32', dims: [values.length], data: Int32Array.from(values) };
}

function float(...values: number[]): Tensor {
  return { type: 'float', dims: [values.length], data: Float32Array.from(values) };
}

function scalarOf(tensor: Tensor): Tensor {
  return { ...tensor, dims: [] };
}

function node(
  opType: string,
  inputs: string[],
  output: string,
  attributes: NodeSpec['attributes'] = {},
): NodeSpec {
  return { opType, inputs, outputs: [output], attributes };
}

function model(
  nodes: NodeSpec[],
  initializers: Record<string, Tensor>,
  output: string,
  type: Tensor['type'] = 'float',
): GraphSpec {
  return {
    opset: 13,
    irVersion: 8,
    nodes,
    initializers: new Map(Object.entries(initializers)),
    inputs: [{ name: 'x', type: 'float', shape: ['batch', 3, 8, 8] }],
    outputs: [{ name: output, type, shape: [] }],
  };
}

const SHAPES = new Map([['x', [2, 3, 8, 8]]]);

function fold(spec: GraphSpec) {
  const { graph } = decodeModel(encodeModel(spec));
  return dropDeadNodes(foldConstants(graph, spec.opset, SHAPES));
}

describe('chains of shape arithmetic', () => {
  test('view(x.size(0), -1)', () => {
    const graph = fold(
      model(
        [
          node('Shape', ['x'], 'shape'),
          node('Gather', ['shape', 'zero'], 'size'),
          node('Unsqueeze', ['size', 'axes'], 'row'),
          node('Concat', ['row', 'rest'], 'target', { axis: 0 }),
          node('Reshape', ['x', 'target'], 'y'),
        ],
        { zero: scalarOf(int64(0)), axes: int64(0), rest: int64(-1) },
        'y',
      ),
    );
    expect(graph.nodes.map(({ opType }) => opType)).toEqual(['Reshape']);
    expect(graph.initializers.get('target')).toEqual(int64(2, -1));
    expect([...graph.initializers.keys()]).toEqual(['target']);
  });

  test('the pads of a parameter-free shortcut, as the TorchScript exporter writes them', () => {
    const graph = fold(
      model(
        [
          node('ConstantOfShape', ['rest'], 'zeros', { value: int64(0) }),
          node('Concat', ['given', 'zeros'], 'all', { axis: 0 }),
          node('Reshape', ['all', 'pairs'], 'table'),
          node('Slice', ['table', 'last', 'first', 'axis', 'back'], 'reversed'),
          node('Transpose', ['reversed'], 'columns', { perm: [1, 0] }),
          node('Reshape', ['columns', 'flat'], 'list'),
          node('Cast', ['list'], 'pads', { to: 7 }),
          node('Pad', ['x', 'pads'], 'y'),
        ],
        {
          given: int64(0, 0, 0, 0, 4, 4),
          rest: int64(2),
          pairs: int64(-1, 2),
          last: int64(-1),
          first: int64(-(2n ** 63n) + 1n),
          axis: int64(0),
          back: int64(-1),
          flat: int64(-1),
        },
        'y',
      ),
    );
    expect(graph.nodes.map(({ opType }) => opType)).toEqual(['Pad']);
    expect(graph.initializers.get('pads')!.data).toEqual(BigInt64Array.of(0n, 4n, 0n, 0n, 0n, 4n, 0n, 0n));
  });
});

test('CastLike of a constant needs only the type of an activation', () => {
  const spec = model(
    [
      node('Relu', ['x'], 'r'),
      node('CastLike', ['six', 'r'], 'bound'),
      node('Greater', ['x', 'r'], 'above'),
      node('CastLike', ['six', 'above'], 'flag'),
      node('Where', ['flag', 'r', 'x'], 'kept'),
      node('Clip', ['kept', '', 'bound'], 'y'),
    ],
    { six: scalarOf(int64(6)) },
    'y',
  );
  const graph = fold({ ...spec, opset: 18 });
  expect(graph.nodes.map(({ opType }) => opType)).toEqual(['Relu', 'Where', 'Clip']);
  expect(graph.initializers.get('bound')).toEqual(scalarOf(float(6)));
  expect(graph.initializers.get('flag')).toEqual({ type: 'bool', dims: [], data: Uint8Array.of(1) });
});

describe('what may be a weight stays under its name', () => {
  test('a transposed weight is computed', () => {
    const graph = fold(
      model(
        [
          node('Flatten', ['x'], 'rows'),
          node('Unsqueeze', ['w', 'axes'], 'column'),
          node('Mul', ['rows', 'column'], 'y'),
        ],
        { w: float(1, 2), axes: int64(1) },
        'y',
      ),
    );
    expect(graph.nodes.map(({ opType }) => opType)).toEqual(['Flatten', 'Unsqueeze', 'Mul']);
    expect(graph.initializers.get('w')).toEqual(float(1, 2));
  });

  test('a Constant node becomes an initializer of the same name, and what derives from it is computed', () => {
    const graph = fold(
      model(
        [
          node('Constant', [], 'w', { value: float(1, 2, 3, 4, 5, 6, 7, 8) }),
          node('Exp', ['w'], 'e'),
          node('Add', ['x', 'e'], 'y'),
        ],
        {},
        'y',
      ),
    );
    expect(graph.nodes.map(({ opType }) => opType)).toEqual(['Exp', 'Add']);
    expect(graph.initializers.get('w')).toEqual(float(1, 2, 3, 4, 5, 6, 7, 8));
  });

  test('its shape, and a single float, are no weights', () => {
    const graph = fold(
      model(
        [
          node('Shape', ['w'], 'n'),
          node('Cast', ['n'], 'count', { to: 1 }),
          node('Sqrt', ['count'], 'root'),
          node('Div', ['x', 'root'], 'y'),
        ],
        { w: float(1, 2, 3, 4) },
        'y',
      ),
    );
    expect(graph.nodes.map(({ opType }) => opType)).toEqual(['Div']);
    expect(graph.initializers.get('root')).toEqual(float(2));
  });
});

test('nodes after an unknown operator are left alone', () => {
  const nodes = [node('NonZero', ['x'], 'n'), node('Shape', ['n'], 's'), node('Cast', ['s'], 'y', { to: 1 })];
  expect(fold(model(nodes, {}, 'y')).nodes.map(({ opType }) => opType)).toEqual(['NonZero', 'Shape', 'Cast']);
});

const BIG = 2n ** 53n + 1n;
const INTEGERS: readonly [string, NodeSpec['attributes'], Tensor, Tensor][] = [
  ['Add', {}, int64(BIG, -5, 2n ** 63n - 1n), int64(2, 3, 1)],
  ['Sub', {}, int64(BIG, -5, -(2n ** 63n)), int64(2, 3, 1)],
  ['Mul', {}, int64(BIG, -5, 2n ** 62n), int64(3, 3, 2)],
  ['Div', {}, int64(BIG, -7, 7, -7), int64(2, 2, -2, -2)],
  ['Mod', {}, int64(-7, 7, -7, 7), int64(3, -3, -3, 3)],
  ['Mod', { fmod: 1 }, int64(-7, 7, -7, 7), int64(3, -3, -3, 3)],
  ['Max', {}, int64(BIG, -7), int64(BIG - 1n, 3)],
  ['Mul', {}, int32(2 ** 31 - 1, -7), int32(2 ** 31 - 1, 3)],
  ['Div', {}, int32(-7, 7), int32(2, -2)],
];

describe('integers are exact, and wrap as in onnxruntime', () => {
  test.each(INTEGERS.map(([opType, attributes, a, b]) => ({ opType, attributes, a, b })))(
    '$opType $a.type $attributes',
    async ({ opType, attributes, a, b }) => {
      const spec = model([node(opType, ['a', 'b'], 'y', attributes)], { a, b }, 'y', a.type);
      const session = await loadOnnxRuntime().InferenceSession.create(
        encodeModel({ ...spec, inputs: [], outputs: [{ name: 'y', type: a.type, shape: a.dims }] }),
        { logSeverityLevel: 4 },
      );
      const { y } = await session.run({});
      await session.release();
      expect(fold(spec).initializers.get('y')!.data).toEqual(y.data);
    },
  );
});
