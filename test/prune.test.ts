import { describe, expect, test } from 'vitest';
import { LEAST_SHARE, prune } from '../src/prune/prune.js';
import { copyTeacher, measureSparsity, replaceWeights } from '../src/student.js';
import { createTinyNetwork } from './support/tiny-network.js';

const network = createTinyNetwork(2);
const total = network.prunable.reduce((sum, name) => sum + network.parameters.get(name)!.data.length, 0);
const allWeights = (of: ReadonlyMap<string, Float32Array>) =>
  network.prunable.flatMap((name) => Array.from(of.get(name)!));
const zeros = (values: number[]) => values.filter((value) => value === 0).length;

describe('global magnitude pruning', () => {
  test.each([0, 0.1, 0.5, 0.75, 0.9, 0.999])('sparsity %f masks exactly that share', (sparsity) => {
    const student = prune(network, { sparsity });
    expect(zeros(allWeights(student.masks))).toBe(Math.floor(sparsity * total));
    expect(zeros(allWeights(student.weights))).toBe(Math.floor(sparsity * total));
    expect(measureSparsity(network, student)).toBeCloseTo(sparsity, 2);
  });

  test('the largest magnitudes of all layers together survive, unchanged', () => {
    const student = prune(network, { sparsity: 0.8 });
    const teacher = allWeights(copyTeacher(network).weights);
    const kept = allWeights(student.weights);
    const magnitudes = teacher.map(Math.abs).sort((a, b) => b - a);
    const threshold = magnitudes[total - Math.floor(0.8 * total) - 1];
    expect(kept).toEqual(teacher.map((weight) => (Math.abs(weight) >= threshold ? weight : 0)));
  });

  test('masks and weights agree, and masked weights are +0', () => {
    const { weights, masks } = prune(network, { sparsity: 0.5 });
    for (const name of network.prunable) {
      weights.get(name)!.forEach((weight, i) => {
        expect(masks.get(name)![i]).toBe(weight === 0 ? 0 : 1);
        expect(Object.is(weight, -0)).toBe(false);
      });
    }
  });

  test('nothing but convolution and linear weights changes, and the teacher stays as it was', () => {
    const before = copyTeacher(network).weights;
    const student = prune(network, { sparsity: 0.9 });
    expect(copyTeacher(network).weights).toEqual(before);
    expect([...student.masks.keys()]).toEqual(network.prunable);
    for (const [name, values] of student.weights) {
      if (!network.prunable.includes(name)) expect(values).toEqual(before.get(name));
    }
  });

  test('equal magnitudes fall in the order of the graph, to the exact share', () => {
    const equal = createTinyNetwork(2);
    for (const name of equal.prunable) equal.parameters.get(name)!.data.fill(-0.5);
    const { masks } = prune(equal, { sparsity: 0.5 });
    // But for the share that each layer keeps: its last weights.
    let left = Math.floor(total / 2);
    for (const mask of masks.values()) {
      const spared = Math.floor(LEAST_SHARE * 0.5 * mask.length);
      const cut = Math.min(left, mask.length - spared);
      left -= cut;
      expect(Array.from(mask)).toEqual(Array.from(mask, (_, i) => (i < cut ? 0 : 1)));
    }
    expect(left).toBe(0);
  });

  test('weights that are 0 already count towards the share', () => {
    const sparse = createTinyNetwork(2);
    const first = sparse.parameters.get('conv2.weight')!.data;
    first.fill(0, 0, 40);
    const student = prune(sparse, { sparsity: 0.5 });
    expect(
      student.masks
        .get('conv2.weight')!
        .subarray(0, 40)
        .every((keep) => keep === 0),
    ).toBe(true);
    expect(measureSparsity(sparse, student)).toBe(Math.floor(total / 2) / total);
  });
});

test('replaced weights keep the masks', () => {
  const student = prune(network, { sparsity: 0.5 });
  const name = 'conv1.weight';
  const changed = replaceWeights(student, new Map([[name, student.weights.get(name)!.map(() => -3)]]));
  const mask = student.masks.get(name)!;
  expect(Array.from(changed.weights.get(name)!)).toEqual(Array.from(mask, (keep) => (keep === 1 ? -3 : 0)));
  expect(changed.weights.get('conv2.weight')).toBe(student.weights.get('conv2.weight'));
});
