import { readdirSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { encodeModel, type GraphSpec } from '../converters/encode.js';
import { decodeModel } from '../converters/read.js';
import { dream } from '../src/dream/dream.js';
import type { Arrays, Engine, HostTensor, Step } from '../src/engine/engine.js';
import { labelled } from '../src/engine/labels.js';
import { createOnnxRuntimeEngine } from '../src/engine/onnxruntime/index.js';
import { lowerModel } from '../src/network/lower.js';
import type { Network } from '../src/network/network.js';
import { resolvePreprocessing } from '../src/preprocess.js';
import { createRandom } from '../src/random.js';
import { distil } from '../src/recover/distil.js';
import { createDistilStep, distilState } from '../src/recover/distil-step.js';
import { reestimateStatistics } from '../src/recover/statistics.js';
import { copyTeacher } from '../src/student.js';
import { useCliFolder } from './support/cli-folder.js';
import { createEagerEngine } from './support/eager-engine.js';
import { tinyTeacherSpec } from './support/tiny-teacher.js';

const BATCH = 4;
const engines = new Map<string, Engine>();
beforeAll(async () => {
  engines.set('eager', await createEagerEngine());
  engines.set('onnxruntime', createOnnxRuntimeEngine({ threads: 1 }));
});

/** The tiny teacher with every weight of its second convolution near the largest float: its sums overflow. */
function overflowingSpec(): GraphSpec {
  const spec = tinyTeacherSpec();
  const weight = spec.initializers.get('second.weight')!;
  const data = Float32Array.from(weight.data as Float32Array, () => 3e38);
  return { ...spec, initializers: new Map([...spec.initializers, ['second.weight', { ...weight, data }]]) };
}

/** The gradient of such a convolution is one with the filter turned around. */
function withoutStride(spec: GraphSpec): GraphSpec {
  const nodes = spec.nodes.map((node) =>
    node.name === 'second.conv' ? { ...node, attributes: { ...node.attributes, strides: [1, 1] } } : node,
  );
  return { ...spec, nodes };
}

/** Of distillation. */
const LESSON = { warmUp: 0, checks: 1, temperature: 3, features: 0, momentum: 0.8, trust: 0.4 };

const modelOf = (spec: GraphSpec) => decodeModel(encodeModel(spec));
const networkOf = (spec: GraphSpec): Network => lowerModel(modelOf(spec), { batch: BATCH });
const noise = ({ input: { shape } }: Network): HostTensor => ({
  shape,
  data: createRandom(1).gaussian(shape.reduce((product, size) => product * size, 1)),
});

describe.each(['eager', 'onnxruntime'])('on the %s engine', (name) => {
  const LAYER = /layer 'second\.conv' \(Conv\) first gave (-?Infinity|NaN);/;
  const engine = () => engines.get(name)!;

  test('a teacher that overflows stops the dream at its first step, and the layer is named', async () => {
    const model = modelOf(overflowingSpec());
    const options = { batch: BATCH, count: BATCH, iterations: 3 };
    const network = networkOf(overflowingSpec());
    const preprocessing = resolvePreprocessing('unit', model);
    await expect(
      dream(engine(), () => network, preprocessing, options, createRandom(0)),
    ).rejects.toMatchObject({
      code: 'E_NONFINITE',
      message: expect.stringMatching(
        new RegExp(`^The loss turned NaN at dream step 1 of 3: ${LAYER.source}`),
      ) as string,
    });
  });

  test('the statistics pass names the layer too', async () => {
    const network = networkOf(overflowingSpec());
    const source = { next: () => Promise.resolve(noise(network)) };
    await expect(
      reestimateStatistics(engine(), network, copyTeacher(network), source, 3),
    ).rejects.toMatchObject({
      code: 'E_NONFINITE',
      message: expect.stringMatching(
        new RegExp(`^The statistics turned NaN at statistics batch 1 of 3: ${LAYER.source}`),
      ) as string,
    });
  });

  test('a student that overflows in its first step stops distillation, and the layer is named', async () => {
    const network = networkOf(withoutStride(tinyTeacherSpec()));
    const student = copyTeacher(networkOf(withoutStride(overflowingSpec())));
    const source = { next: () => Promise.resolve(noise(network)) };
    const options = { ...LESSON, steps: 3, learningRate: 0.1 };
    await expect(
      distil(engine(), network, student, source, () => Promise.resolve(0), options),
    ).rejects.toMatchObject({
      code: 'E_NONFINITE',
      message: expect.stringMatching(
        new RegExp(`^The loss turned NaN at distillation step 1 of 3: ${LAYER.source}`),
      ) as string,
    });
  });

  test('a student that explodes stops distillation, and the weight that its update broke is named', async () => {
    const network = networkOf(tinyTeacherSpec());
    const images = noise(network);
    const options = { ...LESSON, steps: 5, learningRate: 3e38 };
    // A student unlike its teacher, or there is nothing to learn.
    const teacher = copyTeacher(network);
    const wrong = teacher.weights.get('linear.weight')!.map((value) => -20 * value);
    const student = { ...teacher, weights: new Map([...teacher.weights, ['linear.weight', wrong]]) };
    const source = { next: () => Promise.resolve(images) };

    // The truth: the first step's loss is finite, but not the weight it leaves.
    const running = await engines.get('eager')!.compile(createDistilStep(network, options), {
      state: distilState(network, student),
      input: {},
    });
    const output = await running.run({
      images,
      learningRate: { shape: [], data: Float32Array.of(options.learningRate) },
    });
    expect(output['loss'].data[0]).toBeLessThan(Infinity);
    const isBroken = ([, { data }]: [string, HostTensor]) => !data.every(Number.isFinite);
    const broken = Object.entries(await running.readState()).find(isBroken);
    await running.dispose();
    const [, weight] = /^weight:(.*)$/.exec(broken![0])!;

    const message = `^The loss turned NaN at distillation step 2 of 5: a value of the weight '${weight}' was already `;
    await expect(
      distil(engine(), network, student, source, () => Promise.resolve(0), options),
    ).rejects.toMatchObject({
      code: 'E_NONFINITE',
      message: expect.stringMatching(
        new RegExp(`${message}-?(Infinity|NaN) after distillation step 1; a lower learning rate`),
      ) as string,
    });
  });

  /** y = sqrt(x), whose gradient at 0 is infinite, twice; the last update was fine. */
  const roots: Step = (state, { x }) => {
    const gradient = tf.grad((z) => {
      const doubled = labelled(tf, "layer 'double'", () => tf.mul(z, 2));
      return tf.sum(labelled(tf, "layer 'root'", () => tf.sqrt(doubled)));
    })(x);
    return { state, output: { gradient: tf.sum(gradient) } };
  };
  const running = (step: Step, input: Arrays) => engine().compile(step, { state: {}, input });
  const vector = (...values: number[]) => ({
    x: { shape: [values.length], data: Float32Array.from(values) },
  });

  test('a gradient is named after the layer whose gradient it is', async () => {
    const step = await running(roots, vector(1, 4));
    await step.run(vector(1, 4));
    expect(await step.diagnose()).toBeUndefined();
    await step.run(vector(1, 0));
    expect(await step.diagnose()).toEqual({
      origin: 'step',
      name: "the gradient of layer 'root'",
      value: Infinity,
    });
    await step.dispose();
  });

  test('what was not finite when it came in is not blamed on a layer', async () => {
    const step = await running(roots, vector(1, 4));
    await step.run(vector(1, NaN));
    expect(await step.diagnose()).toEqual({ origin: 'input', name: 'x', value: NaN });
    await step.dispose();
  });
});

describe('the command', () => {
  const cli = useCliFolder();
  test('stops with the layer, and leaves no file', () => {
    cli.write('overflowing.onnx', encodeModel(overflowingSpec()));
    const before = readdirSync(cli.path);
    const result = cli.run('overflowing.onnx', 'out.onnx', '--preprocess', 'unit', '--json');
    expect(result.status, result.stderr).toBe(3);
    expect(JSON.parse(result.stdout)).toMatchObject({
      error: {
        code: 'E_NONFINITE',
        message: expect.stringContaining("layer 'second.conv' (Conv)") as string,
      },
    });
    expect(readdirSync(cli.path)).toEqual(before);
  });
});
