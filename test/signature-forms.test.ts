import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { encodeModel, type GraphSpec } from '../converters/encode.js';
import { decodeModel, readModel } from '../converters/read.js';
import { findLayout } from '../converters/passes/find-layout.js';
import { lowerModel } from '../src/network/lower.js';
import { encodeNpy } from '../src/npy.js';
import { resolvePreprocessing } from '../src/preprocess.js';
import { createRandom } from '../src/random.js';
import { recoverModel } from '../src/recover-model.js';
import { evaluateModel } from '../src/verify/evaluate.js';
import { TINY_PRESET } from './support/tiny-preset.js';
import { tinyTeacherSpec } from './support/tiny-teacher.js';

/** Classifiers that take or give the same numbers in another form than [batch, C, H, W] and [batch, classes]. */

const folder = mkdtempSync(join(tmpdir(), 'forms-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});
const at = (name: string) => join(folder, name);

const floats = (dims: number[], ...values: number[]) =>
  ({ type: 'float', dims, data: Float32Array.from(values) }) as const;

/** The tiny teacher as Keras' converters write it: channels last, with a normalisation before the Transpose. */
function channelsLast(): GraphSpec {
  const spec = tinyTeacherSpec();
  const [first, ...rest] = spec.nodes;
  return {
    ...spec,
    nodes: [
      { opType: 'Sub', inputs: ['input', 'shift'], outputs: ['shifted'] },
      { opType: 'Div', inputs: ['shifted', 'spread'], outputs: ['scaled'] },
      {
        opType: 'Transpose',
        inputs: ['scaled'],
        outputs: ['images'],
        attributes: { perm: [0, 3, 1, 2] },
      },
      { ...first, inputs: ['images', ...first.inputs.slice(1)] },
      ...rest,
    ],
    initializers: new Map([
      ...spec.initializers,
      ['shift', floats([1, 1, 1, 3], 120, 110, 100)],
      ['spread', floats([3], 50, 60, 70)],
    ]),
    inputs: [{ name: 'input', type: 'float', shape: ['batch', 8, 8, 3] }],
  };
}

/** The tiny teacher with scores [batch, classes, 1, 1], and then with `ends` of `scores`. */
function withMaps(ends: GraphSpec['nodes'], shape: (number | string)[], opset = 13): GraphSpec {
  const spec = tinyTeacherSpec();
  const { data } = spec.initializers.get('linear.weight')!;
  const transposed = Float32Array.from({ length: 64 }, (_, i) =>
    Number(data[(i % 16) * 4 + Math.floor(i / 16)]),
  );
  return {
    ...spec,
    opset,
    nodes: [
      ...spec.nodes.slice(0, -2),
      { opType: 'Conv', inputs: ['pooled', 'linear.map', 'linear.bias'], outputs: ['scores'] },
      ...ends,
    ],
    initializers: new Map([
      ...spec.initializers,
      ['linear.map', { type: 'float', dims: [4, 16, 1, 1], data: transposed }],
    ]),
    outputs: [{ name: ends.at(-1)?.outputs[0] ?? 'scores', type: 'float', shape }],
  };
}

const OPTIONS = { sparsity: 0.5, preprocess: 'unit', threads: 1 } as const;

describe('images with their channels last', () => {
  test('are read as such, with the normalisation that the graph begins with', () => {
    const model = decodeModel(encodeModel(channelsLast()));
    expect(findLayout(model.graph)).toBe('NHWC');
    expect(findLayout(decodeModel(encodeModel(tinyTeacherSpec())).graph)).toBe('NCHW');
    expect(lowerModel(model, { batch: 5 }).input).toMatchObject({ layout: 'NHWC', shape: [5, 3, 8, 8] });
    // Pixels in 0..255, by the graph's own mean and deviation.
    expect(resolvePreprocessing('auto', model)).toMatchObject({ name: 'in-graph', channels: 3 });
  });

  test('go through the whole job, and the student keeps the form', async () => {
    writeFileSync(at('last.onnx'), encodeModel(channelsLast()));
    const options = { ...OPTIONS, preset: TINY_PRESET, preprocess: 'raw', report: undefined } as const;
    const { parity } = await recoverModel(at('last.onnx'), at('student.onnx'), options);
    expect(parity.maxAbsDiff).toBeLessThan(1e-3);
    const { inputs } = (await readModel(at('student.onnx'))).graph;
    expect(inputs[0].shape).toEqual([null, 8, 8, 3]);
  });

  test('are classified as the same images with their channels first', async () => {
    const spec = tinyTeacherSpec();
    writeFileSync(at('first.onnx'), encodeModel(spec));
    writeFileSync(at('last.onnx'), encodeModel(channelsLast()));
    const count = 60;
    const bytes = Uint8Array.from(createRandom(3).gaussian(count * 192), (x) => 128 + 60 * x);
    writeFileSync(at('images.npy'), encodeNpy({ type: 'uint8', shape: [count, 3, 8, 8], data: bytes }));
    const labels = (value: number) => {
      const data = new BigInt64Array(count).fill(BigInt(value));
      writeFileSync(at('labels.npy'), encodeNpy({ type: 'int64', shape: [count], data }));
    };
    const normalization = { mean: [120 / 255, 110 / 255, 100 / 255], std: [50 / 255, 60 / 255, 70 / 255] };
    const files = { images: at('images.npy'), labels: at('labels.npy') };
    for (let label = 0; label < 4; label++) {
      labels(label);
      const [last, first] = [
        await evaluateModel(at('last.onnx'), { ...files, preprocess: 'raw' }),
        await evaluateModel(at('first.onnx'), { ...files, preprocess: normalization }),
      ];
      expect(last).toEqual(first);
    }
  });
});

describe('scores in another form', () => {
  const reshape = { opType: 'Flatten', inputs: ['probabilities'], outputs: ['flat scores'] };
  const softmax = (attributes: Record<string, number> = {}) => ({
    opType: 'Softmax',
    inputs: ['scores'],
    outputs: ['probabilities'],
    attributes,
  });
  test.each<[string, GraphSpec, string | null]>([
    ['[batch, classes, 1, 1]', withMaps([], ['batch', 4, 1, 1]), null],
    ['after a Softmax', withMaps([softmax({ axis: 1 })], ['batch', 4, 1, 1]), 'Softmax'],
    ['after a Softmax from the end', withMaps([softmax({ axis: -3 })], ['batch', 4, 1, 1]), 'Softmax'],
    ["after a Softmax of opset 9's default axis", withMaps([softmax()], ['batch', 4, 1, 1], 9), 'Softmax'],
    ['flattened after a Softmax', withMaps([softmax({ axis: 1 }), reshape], ['batch', 4]), 'Softmax'],
  ])('%s', async (_, spec, activation) => {
    writeFileSync(at('maps.onnx'), encodeModel(spec));
    const network = lowerModel(decodeModel(readFileSync(at('maps.onnx'))), { batch: 2 });
    expect(network.output).toMatchObject({ logits: 'scores', activation, classes: 4 });
    await recoverModel(at('maps.onnx'), at('pruned.onnx'), { ...OPTIONS, recover: false, force: true });
  });

  test('a Softmax over one pixel is none, for its every result is 1', () => {
    const spec = withMaps([softmax({ axis: -1 })], ['batch', 4, 1, 1]);
    expect(lowerModel(decodeModel(encodeModel(spec)), { batch: 2 }).output.activation).toBeNull();
  });
});
