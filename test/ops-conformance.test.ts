import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { inferGraph } from '../converters/infer-shapes.js';
import type { Graph, Model, Tensor } from '../converters/model.js';
import { unsupportedOperators } from '../converters/ops/index.js';
import { decodeModel, decodeTensor } from '../converters/read.js';
import { expectClose, runGraph } from './support/run-graph.js';

const FOLDER = new URL('../../shared/peer-tests/onnx-node/', import.meta.url);
const cases = existsSync(FOLDER) ? readdirSync(FOLDER).sort() : [];

/** Operators of the collection that this tool does not have. */
const MISSING = new Set([
  'ArgMax',
  'ConvTranspose',
  'CumSum',
  'DepthToSpace',
  'GroupNormalization',
  'InstanceNormalization',
  'LayerNormalization',
  'Resize',
  'SpaceToDepth',
  'Upsample',
]);

/** Cases of operators it has that it refuses: only 2-D windows, not dilated in pools, and no indices of maxima. */
const REFUSED =
  /^test_(average|max)pool_(1d|3d)_|^test_(average|max)pool_2d_dilations$|^test_maxpool_with_argmax_/;

/** Empty tensors, which the reader refuses. */
const EMPTY = /_empty_set|^test_reshape_allowzero_reordered$|^test_slice_start_out_of_bounds$/;

/** Expected values are stored with four digits only; test/ops.test.ts compares the same case with onnxruntime. */
const ROUNDED = /^test_averagepool_2d_ceil_last_window_starts_on_pad$/;

beforeAll(async () => {
  await tf.setBackend('cpu');
});

describe.skipIf(cases.length === 0)("ONNX's own operator tests (need ../shared/peer-tests)", () => {
  const supported = cases.filter((name) => !EMPTY.test(name) && !ROUNDED.test(name));

  test.each(supported)('%s', (name) => {
    const folder = new URL(`${name}/`, FOLDER);
    const model = decodeModel(readFileSync(new URL('model.onnx', folder)));
    if (model.graph.nodes.some(({ opType }) => MISSING.has(opType))) {
      const blamed = [...unsupportedOperators(model.graph, model.opset).keys()];
      expect(MISSING).toContain(blamed[0]);
      expect(blamed).toHaveLength(1);
      return;
    }
    const inputs = tensorsOf(folder, 'input', model.graph.inputs);
    if (REFUSED.test(name)) {
      expect(() => runGraph(model.graph, model.opset, inputs)).toThrow(/support|only images work/);
      return;
    }
    const actual = runGraph(model.graph, model.opset, inputs);
    const expected = tensorsOf(folder, 'output', model.graph.outputs);
    for (const [output, tensor] of expected) expectClose(actual.get(output)!, tensor, 1e-4, 1e-6);
    for (const [output, tensor] of fold(model, inputs)) {
      expectClose(tensor, expected.get(output)!, 1e-6, 1e-7);
      expect(tensor.type).toBe(expected.get(output)!.type);
    }
  });
});

/** What an operator's `fold` makes of the inputs; nothing for operators and types that do not fold. */
function fold({ graph, opset }: Model, inputs: ReadonlyMap<string, Tensor>): Map<string, Tensor> {
  const [node] = graph.nodes;
  if (graph.nodes.length > 1) return new Map();
  const { operations } = inferGraph({ ...graph, initializers: inputs }, opset, new Map());
  const { definition, attributes, context } = operations.get(node)!;
  const results = definition.fold?.(context.constants, attributes, context) ?? [];
  return new Map(results.map((tensor, i) => [node.outputs[i], tensor]));
}

function tensorsOf(folder: URL, kind: 'input' | 'output', values: Graph['inputs']): Map<string, Tensor> {
  return new Map(
    values.map(({ name }, i) => [
      name,
      decodeTensor(readFileSync(new URL(`test_data_set_0/${kind}_${i}.pb`, folder))),
    ]),
  );
}
