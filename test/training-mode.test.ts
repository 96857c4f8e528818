import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { encodeModel, type GraphSpec, type NodeSpec } from '../converters/encode.js';
import { decodeModel, readModel } from '../converters/read.js';
import { toRunnable } from '../converters/runnable.js';
import { loadOnnxRuntime } from '../src/engine/onnxruntime/runtime.js';
import { inspectModel } from '../src/inspect.js';
import { createRandom } from '../src/random.js';
import { recoverModel } from '../src/recover-model.js';
import { runModel } from '../src/verify/run-model.js';
import { verifyModels } from '../src/verify/verify-models.js';
import { TINY_PRESET } from './support/tiny-preset.js';
import { tinyTeacherSpec } from './support/tiny-teacher.js';

const folder = mkdtempSync(join(tmpdir(), 'training-mode-'));
const trained = join(folder, 'training.onnx');
const plain = join(folder, 'inference.onnx');
const student = join(folder, 'student.onnx');
afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** The tiny teacher as TrainingMode.TRAINING writes it: batch norms with three outputs, and an active Dropout. */
function trainingSpec(): GraphSpec {
  const spec = tinyTeacherSpec();
  const toTraining = (node: NodeSpec): NodeSpec => {
    if (node.opType === 'BatchNormalization') {
      const [y] = node.outputs;
      return { ...node, outputs: [y, `${y}.mean`, `${y}.variance`], attributes: { training_mode: 1 } };
    }
    return node.opType === 'Gemm' ? { ...node, inputs: ['dropped', ...node.inputs.slice(1)] } : node;
  };
  const dropout = { opType: 'Dropout', inputs: ['flat', 'ratio', 'training'], outputs: ['dropped', 'mask'] };
  return {
    ...spec,
    opset: 14,
    nodes: [...spec.nodes.slice(0, -1), dropout, spec.nodes.at(-1)!].map(toTraining),
    initializers: new Map([
      ...spec.initializers,
      ['ratio', { type: 'float', dims: [], data: Float32Array.of(0.5) }],
      ['training', { type: 'bool', dims: [], data: Uint8Array.of(1) }],
    ]),
  };
}

beforeAll(() => {
  writeFileSync(trained, encodeModel(trainingSpec()));
  writeFileSync(plain, encodeModel({ ...tinyTeacherSpec(), opset: 14 }));
});

const images = { shape: [4, 3, 8, 8], data: createRandom(5).gaussian(4 * 192) };

test('onnxruntime runs the file with the statistics of the batch, and our view of it with the stored ones', async () => {
  const ort = loadOnnxRuntime();
  const session = await ort.InferenceSession.create(readFileSync(trained));
  const { logits } = await session.run({ input: new ort.Tensor('float32', images.data, images.shape) });
  const expected = await runModel(readFileSync(plain), images);
  const differs = (values: Float32Array) => values.some((x, i) => Math.abs(x - expected.data[i]) > 1e-5);
  expect(differs(logits.data as Float32Array)).toBe(true);
  expect(differs((await runModel(trained, images)).data)).toBe(false);
});

test('batch norms of five outputs (before opset 14) are read the same way', async () => {
  const spec = trainingSpec();
  const nodes = spec.nodes.map((node) =>
    node.opType === 'BatchNormalization'
      ? { ...node, attributes: {}, outputs: [...node.outputs, `${node.name!}.saved`, `${node.name!}.saved2`] }
      : node,
  );
  const bytes = encodeModel({ ...spec, opset: 12, nodes });
  const expected = await runModel(readFileSync(plain), images);
  const actual = await runModel(toRunnable(decodeModel(bytes)), images);
  expect(actual.data).toEqual(expected.data);
});

test('the whole job runs, keeps the nodes of the file, and says what that means', async () => {
  const notes: string[] = [];
  const { details } = await recoverModel(trained, student, {
    preset: TINY_PRESET,
    preprocess: 'unit',
    sparsity: 0.5,
    onNote: (note) => notes.push(note),
  });
  expect(notes.join()).toMatch(
    /2 batch norms, 'first\.norm' first, .* training mode\. They are read as inference/,
  );
  expect(details.notes).toEqual(notes);
  const nodes = async (path: string) => (await readModel(path)).graph.nodes;
  expect(await nodes(student)).toEqual(await nodes(trained));
  expect(await verifyModels(trained, plain)).toMatchObject({ equal: true });
  expect(await verifyModels(trained, student)).toMatchObject({ equal: false });
  expect(await inspectModel(student)).toMatchObject({ trainingMode: 2, unsupported: [] });
});
