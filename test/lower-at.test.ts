import * as tf from '@tensorflow/tfjs-core';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { beforeAll, expect, test } from 'vitest';
import { encodeModel, type GraphSpec } from '../converters/encode.js';
import { decodeModel } from '../converters/read.js';
import { lowering } from '../src/network/lower-at.js';
import { createRandom } from '../src/random.js';
import { createEagerEngine } from './support/eager-engine.js';
import { tinyTeacherSpec } from './support/tiny-teacher.js';

beforeAll(async () => {
  await createEagerEngine();
});

const SIZE = [6, 12] as const;
const images = createRandom(1).gaussian(2 * 3 * SIZE[0] * SIZE[1]);

/** The tiny teacher, whose last maps are of 4 by 4 pixels, with another pool in place of its global one. */
function withPool(attributes: NonNullable<GraphSpec['nodes'][number]['attributes']>): GraphSpec {
  const spec = tinyTeacherSpec();
  const nodes = spec.nodes.map((node) =>
    node.opType === 'GlobalAveragePool' ? { ...node, opType: 'AveragePool', attributes } : node,
  );
  return { ...spec, nodes };
}

/** For images [batch, height, width, channels]. */
function channelsLast(spec: GraphSpec): GraphSpec {
  return {
    ...spec,
    nodes: [
      { opType: 'Transpose', inputs: ['last'], outputs: ['input'], attributes: { perm: [0, 3, 1, 2] } },
      ...spec.nodes,
    ],
    inputs: [{ name: 'last', type: 'float', shape: ['batch', 8, 8, 3] }],
  };
}

/** What onnxruntime makes of the images with the tiny teacher as it is, for any size. */
async function expectedLogits(): Promise<Float32Array> {
  const spec = tinyTeacherSpec();
  const open = { ...spec, inputs: [{ ...spec.inputs[0], shape: ['batch', 3, 'height', 'width'] }] };
  const session = await InferenceSession.create(encodeModel(open));
  const { logits } = await session.run({ input: new Tensor('float32', images, [2, 3, ...SIZE]) });
  await session.release();
  return logits.data as Float32Array;
}

test.each<[string, GraphSpec]>([
  ['a global pool', tinyTeacherSpec()],
  ['a pool of the whole map', withPool({ kernel_shape: [4, 4] })],
  [
    'the same, with strides and no pads',
    withPool({ kernel_shape: [4, 4], strides: [4, 4], pads: [0, 0, 0, 0] }),
  ],
  ['the same, of images with their channels last', channelsLast(withPool({ kernel_shape: [4, 4] }))],
])('with %s a model takes images of another size', async (_, spec) => {
  const network = lowering(decodeModel(encodeModel(spec)), {})(2, SIZE)!;
  expect(network.input.shape).toEqual([2, 3, ...SIZE]);
  const { logits } = network.forward(tf, {}, tf.tensor(images, [2, 3, ...SIZE]));
  const expected = await expectedLogits();
  logits.dataSync().forEach((value, i) => {
    expect(value).toBeCloseTo(expected[i], 4);
  });
});

/** Without a pool: the linear layer reads all pixels of all maps. */
function withoutPool(): GraphSpec {
  const { initializers, ...spec } = withPool({ kernel_shape: [1, 1] });
  const wide = { type: 'float', dims: [256, 4], data: createRandom(2).gaussian(1024) } as const;
  return { ...spec, initializers: new Map([...initializers, ['linear.weight', wide]]) };
}

test.each<[string, GraphSpec]>([
  ['a pool of less than the whole map', withPool({ kernel_shape: [3, 3], strides: [2, 2] })],
  ['a linear layer on all pixels', withoutPool()],
])('with %s it does not', (_, spec) => {
  const lower = lowering(decodeModel(encodeModel(spec)), {});
  expect(lower(2).input.shape).toEqual([2, 3, 8, 8]);
  expect(lower(2, SIZE)).toBeUndefined();
});
