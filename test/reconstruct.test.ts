import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import type { ImageSource } from '../src/dream/image-source.js';
import type { Engine, HostTensor } from '../src/engine/engine.js';
import { prune } from '../src/prune/prune.js';
import { createRandom } from '../src/random.js';
import { matchChannelStatistics } from '../src/recover/channel-statistics.js';
import { solveCholesky } from '../src/recover/cholesky.js';
import { normalEquations } from '../src/recover/gram.js';
import { reconstruct } from '../src/recover/reconstruct.js';
import { solveRows } from '../src/recover/solve-rows.js';
import { copyTeacher, type Student } from '../src/student.js';
import { createEagerEngine } from './support/eager-engine.js';
import { createTinyNetwork } from './support/tiny-network.js';

const BATCH = 8;
const network = createTinyNetwork(BATCH);
const pruned = prune(network, { sparsity: 0.6 });
const OPTIONS = { batches: 2, ridge: 1e-3, positions: 1e6, mostInputs: 1e6, mostSolved: 1e6 };
let engine: Engine;
beforeAll(async () => {
  engine = await createEagerEngine();
});
const noise = (seed: number): HostTensor => ({
  shape: [BATCH, 3, 8, 8],
  data: createRandom(seed).gaussian(BATCH * 192),
});
const source = (): ImageSource => {
  let seed = 0;
  return { next: () => Promise.resolve(noise(seed++)) };
};

describe('Cholesky', () => {
  test.each([1, 2, 7, 40])('solves %i equations', (n) => {
    const random = createRandom(n);
    const factor = random.gaussian(n * n);
    const expected = Float64Array.from(random.gaussian(n));
    const a = new Float64Array(n * n);
    for (let i = 0; i < n; i++)
      for (let j = 0; j < n; j++) {
        for (let k = 0; k < n; k++) a[i * n + j] += factor[i * n + k] * factor[j * n + k];
        if (i === j) a[i * n + j] += 0.1;
      }
    const b = Float64Array.from({ length: n }, (_, i) =>
      expected.reduce((sum, x, j) => sum + a[i * n + j] * x, 0),
    );
    expect(solveCholesky(a, b)).toBe(true);
    b.forEach((x, i) => {
      expect(x).toBeCloseTo(expected[i], 7);
    });
  });

  test('refuses what is not positive definite', () => {
    expect(solveCholesky(Float64Array.of(1, 2, 2, 1), Float64Array.of(1, 1))).toBe(false);
    expect(solveCholesky(Float64Array.of(0), Float64Array.of(1))).toBe(false);
  });
});

describe('normal equations', () => {
  const along = { input: 7, kernel: 3, stride: 2, dilation: 1, begin: 1, end: 0, extra: 0, output: 3 };
  const window = [along, { ...along, dilation: 2, stride: 1, begin: 2, end: 2, output: 7 }];

  test.each([1, 2])(
    'in %i groups, times the weight that made the outputs, give the outputs back',
    (group) => {
      const random = createRandom(group);
      const x = tf.tensor(random.gaussian(4 * 4 * 49), [4, 4, 7, 7]);
      const weight = random.gaussian(6 * (4 / group) * 9);
      const y = convolve(x, tf.tensor(weight, [6, 4 / group, 3, 3]), group);
      const options = { positions: 1e6, centred: false };
      const { gram, cross } = normalEquations({ group, window }, x, y, options);
      const inputs = (4 / group) * 9;
      // G W' = X X' W' = X Y'.
      const rows = tf.transpose(tf.reshape(tf.tensor(weight), [group, 6 / group, inputs]), [0, 2, 1]);
      const product = tf.matMul(gram, rows).dataSync();
      cross.dataSync().forEach((value: number, i: number) => {
        expect(Math.abs(product[i] - value)).toBeLessThan(1e-3);
      });
    },
  );

  test('take fewer positions where there are more than wanted, of inputs and outputs alike', () => {
    const x = tf.tensor(createRandom(5).gaussian(4 * 4 * 49), [4, 4, 7, 7]);
    const weight = tf.tensor(createRandom(6).gaussian(6 * 36), [6, 4, 3, 3]);
    const y = convolve(x, weight, 1);
    const { gram, cross } = normalEquations({ group: 1, window }, x, y, { positions: 24, centred: false });
    const product = tf
      .matMul(gram, tf.reshape(tf.transpose(tf.reshape(weight, [6, 36])), [1, 36, 6]))
      .dataSync();
    cross.dataSync().forEach((value: number, i: number) => {
      expect(Math.abs(product[i] - value)).toBeLessThan(1e-3);
    });
  });

  test('centred, are the covariances', () => {
    const x = tf.tensor([1, 5, 3, 1, 2, 6], [3, 2]);
    const { gram } = normalEquations({ group: 1, window: undefined }, x, x, {
      positions: 1e6,
      centred: true,
    });
    expect(Array.from(gram.dataSync())).toEqual([2, -4, -4, 14]);
  });

  /** The window above by tf.conv2d alone, group by group. */
  function convolve(x: tf.Tensor, weight: tf.Tensor, group: number): tf.Tensor {
    const [, channels, height, width] = x.shape;
    const padded = tf.pad(x, [
      [0, 0],
      [0, 0],
      [1, 0],
      [2, 2],
    ]);
    const parts = Array.from({ length: group }, (_, g) => {
      const image = tf.slice(padded, [0, (g * channels) / group, 0, 0], [-1, channels / group, -1, -1]);
      const filter = tf.slice(weight, [(g * 6) / group, 0, 0, 0], [6 / group, -1, -1, -1]);
      // Every column by itself: tf.conv2d does not know stride and dilation together.
      const columns = Array.from({ length: width }, (_, column) => {
        const seen = tf.concat(
          [0, 2, 4].map((tap) => tf.slice(image, [0, 0, 0, column + tap], [-1, -1, -1, 1])),
          3,
        );
        const rows = Array.from({ length: 3 }, (_, row) => {
          const patch = tf.reshape(tf.slice(seen, [0, 0, 2 * row, 0], [-1, -1, 3, -1]), [x.shape[0], -1]);
          return tf.reshape(tf.matMul(patch, tf.reshape(filter, [6 / group, -1]), false, true), [
            -1,
            6 / group,
            1,
            1,
          ]);
        });
        return tf.concat(rows, 2);
      });
      return tf.concat(columns, 3);
    });
    expect(height).toBe(7);
    return tf.concat(parts, 1);
  }
});

describe('the rows of a layer', () => {
  const linear = network.layers[2];
  const random = createRandom(3);
  const inputs = Array.from({ length: 50 }, () => random.gaussian(5));
  const outputs = inputs.map((x) => Float32Array.from([0, 1, 2], (o) => x[o] * 2 - x[4] + 0.1 * x[3]));
  const gram = sums(inputs, inputs);
  const cross = sums(inputs, outputs);

  function sums(a: readonly Float32Array[], b: readonly Float32Array[]): Float32Array {
    const [rows, columns] = [a[0].length, b[0].length];
    return Float32Array.from({ length: rows * columns }, (_, i) =>
      a.reduce((sum, x, n) => sum + x[Math.floor(i / columns)] * b[n][i % columns], 0),
    );
  }

  test('are at the minimum of their objective: no kept weight gains by moving', () => {
    const ridge = 0.05;
    const solved = solveRows(network, linear, pruned, { gram, cross }, { ridge, mostSolved: 100 });
    const before = pruned.weights.get('linear.weight')!;
    const mask = pruned.masks.get('linear.weight')!;
    const pull = (ridge * [0, 1, 2, 3, 4].reduce((sum, i) => sum + gram[i * 6], 0)) / 5;
    const objective = (row: Float32Array, o: number) =>
      inputs.reduce(
        (sum, x, n) => sum + (x.reduce((dot, value, i) => dot + value * row[i], 0) - outputs[n][o]) ** 2,
        0,
      ) +
      pull * row.reduce((sum, value, i) => sum + (value - before[o * 5 + i]) ** 2, 0);
    for (let o = 0; o < 3; o++) {
      const row = solved.slice(o * 5, o * 5 + 5);
      for (let i = 0; i < 5; i++) {
        if (mask[o * 5 + i] === 0) expect(row[i]).toBe(0);
        else {
          for (const h of [-0.01, 0.01]) {
            const moved = row.map((value, j) => (j === i ? value + h : value));
            expect(objective(moved, o)).toBeGreaterThan(objective(row, o));
          }
        }
      }
    }
  });

  test('of more weights than may be solved for, the smallest stay', () => {
    const teacher = copyTeacher(network);
    const solved = solveRows(network, linear, teacher, { gram, cross }, { ridge: 1e-3, mostSolved: 2 });
    const before = teacher.weights.get('linear.weight')!;
    for (let o = 0; o < 3; o++) {
      const changed = [0, 1, 2, 3, 4].filter((i) => solved[o * 5 + i] !== before[o * 5 + i]);
      const largest = [0, 1, 2, 3, 4].sort(
        (a, b) => Math.abs(before[o * 5 + b]) - Math.abs(before[o * 5 + a]),
      );
      expect(changed.sort()).toEqual(largest.slice(0, 2).sort());
    }
  });
});

describe('reconstruction', () => {
  /** Mean squared distance of the logits from the teacher's, batch norms matched. */
  const distance = async (student: Student) => {
    const { weights } = await matchChannelStatistics(engine, network, student, source(), 2);
    const given = Object.fromEntries(
      Array.from(weights, ([name, data]) => [name, tf.tensor(data, [...network.parameters.get(name)!.dims])]),
    );
    const { shape, data } = noise(0);
    const x = tf.tensor(data, [...shape]);
    const expected = network.forward(tf, {}, x).logits;
    return tf.mean(tf.squaredDifference(network.forward(tf, given, x).logits, expected)).dataSync()[0];
  };

  test('brings a pruned student nearer to its teacher, masks held, and changes weights alone', async () => {
    const student = await reconstruct(engine, network, pruned, source(), OPTIONS);
    expect(await distance(student)).toBeLessThan(0.5 * (await distance(pruned)));
    for (const [name, values] of student.weights) {
      const mask = pruned.masks.get(name);
      if (mask) expect(values.every((value, i) => mask[i] === 1 || Object.is(value, 0))).toBe(true);
      else expect(values).toEqual(pruned.weights.get(name));
    }
  });

  test('leaves an unpruned student as it is, and says what is too wide to solve', async () => {
    const teacher = copyTeacher(network);
    const notes: string[] = [];
    const options = { ...OPTIONS, mostInputs: 30 };
    const student = await reconstruct(engine, network, teacher, source(), options, {
      onNote: (note) => notes.push(note),
    });
    expect(notes.join()).toContain('conv2.weight');
    expect(student.weights.get('conv2.weight')).toBe(teacher.weights.get('conv2.weight'));
    student.weights.get('conv1.weight')!.forEach((value, i) => {
      expect(Math.abs(value - teacher.weights.get('conv1.weight')![i])).toBeLessThan(1e-3);
    });
  });
});
