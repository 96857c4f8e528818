import { describe, expect, test } from 'vitest';
import { createRandom } from '../src/random.js';

function moments(values: ArrayLike<number>) {
  const all = Array.from(values);
  const mean = all.reduce((sum, x) => sum + x, 0) / all.length;
  const variance = all.reduce((sum, x) => sum + (x - mean) ** 2, 0) / all.length;
  const kurtosis = all.reduce((sum, x) => sum + (x - mean) ** 4, 0) / all.length / variance ** 2;
  return { mean, variance, kurtosis };
}

describe('streams', () => {
  test('the same seed and name give the same numbers', () => {
    const a = createRandom(7).split('dream/3');
    const b = createRandom(7).split('dream').split('3');
    expect(a.gaussian(9)).toEqual(b.gaussian(9));
  });

  test('another seed, another name or another depth gives other numbers', () => {
    const first = [
      createRandom(7),
      createRandom(8),
      createRandom(7).split('a'),
      createRandom(7).split('b'),
      createRandom(7).split('a').split('a'),
    ].map((random) => random.uniform());
    expect(new Set(first).size).toBe(first.length);
  });

  test('a split does not depend on what was drawn before', () => {
    const drawn = createRandom(1);
    drawn.gaussian(100);
    expect(drawn.split('x').uniform()).toBe(createRandom(1).split('x').uniform());
  });

  test('neighbouring streams are uncorrelated', () => {
    const [a, b] = ['dream/1', 'dream/2'].map((name) => createRandom(0).split(name).gaussian(20_000));
    const correlation = a.reduce((sum, x, i) => sum + x * b[i], 0) / a.length;
    expect(Math.abs(correlation)).toBeLessThan(4 / Math.sqrt(a.length));
  });
});

describe('distributions', () => {
  const size = 100_000;

  test('uniform numbers lie in [0, 1) with mean 1/2 and variance 1/12', () => {
    const random = createRandom(3);
    const values = Array.from({ length: size }, () => random.uniform());
    expect(Math.min(...values.slice(0, 10_000))).toBeGreaterThanOrEqual(0);
    expect(Math.max(...values.slice(0, 10_000))).toBeLessThan(1);
    const { mean, variance } = moments(values);
    expect(mean).toBeCloseTo(0.5, 2);
    expect(variance).toBeCloseTo(1 / 12, 2);
  });

  test('Gaussian numbers have mean 0, variance 1 and kurtosis 3, for odd sizes too', () => {
    const values = createRandom(4).gaussian(size + 1);
    expect(values).toHaveLength(size + 1);
    const { mean, variance, kurtosis } = moments(values);
    expect(Math.abs(mean)).toBeLessThan(0.015);
    expect(Math.abs(variance - 1)).toBeLessThan(0.025);
    expect(Math.abs(kurtosis - 3)).toBeLessThan(0.1);
  });

  test('whole numbers reach every value below the bound equally often', () => {
    const random = createRandom(5);
    const counts = new Array<number>(7).fill(0);
    for (let i = 0; i < 70_000; i++) counts[random.integer(7)]++;
    for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(400);
    expect(counts.reduce((sum, count) => sum + count)).toBe(70_000);
  });

  test('a permutation holds every index once, and every order is equally likely', () => {
    const random = createRandom(6);
    const counts = new Map<string, number>();
    for (let i = 0; i < 6_000; i++) {
      const order = random.permutation(3);
      expect([...order].sort()).toEqual([0, 1, 2]);
      counts.set(order.join(), (counts.get(order.join()) ?? 0) + 1);
    }
    expect(counts.size).toBe(6);
    for (const count of counts.values()) expect(Math.abs(count - 1_000)).toBeLessThan(150);
  });
});
