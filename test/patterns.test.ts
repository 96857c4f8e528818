/** Criteria and patterns of pruning, against definitions written out by brute force. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Network } from '../src/network/network.js';
import { BLOCK } from '../src/prune/groups.js';
import { lampScores } from '../src/prune/lamp.js';
import { parsePattern, sparsityOf } from '../src/prune/pattern.js';
import { chooseMasks, CRITERIA, LEAST_SHARE } from '../src/prune/prune.js';
import { cubicSparsity, cutsAt, maskAt } from '../src/prune/schedule.js';
import { uniformCounts } from '../src/prune/uniform.js';
import { createTinyNetwork } from './support/tiny-network.js';

const shape = fc.record({
  outputs: fc.integer({ min: 1, max: 9 }),
  inputs: fc.integer({ min: 1, max: 9 }),
  taps: fc.integer({ min: 1, max: 4 }),
});
/** A few values, so that ties are frequent. */
const weight = fc.integer({ min: -6, max: 6 }).map((x) => x / 4);
const layerArbitrary = shape.chain(({ outputs, inputs, taps }) =>
  fc.record({
    dims: fc.constant([outputs, inputs, taps, 1]),
    data: fc
      .array(weight, { minLength: outputs * inputs * taps, maxLength: outputs * inputs * taps })
      .map((values) => Float32Array.from(values)),
  }),
);
const networkArbitrary = fc.array(layerArbitrary, { minLength: 1, maxLength: 4 }).map(networkOf);
const sparsityArbitrary = fc.double({ min: 0, max: 0.99, noNaN: true });

/** What pruning reads of a network: convolutions, as PyTorch lays them out. */
function networkOf(layers: readonly { dims: readonly number[]; data: Float32Array }[]): Network {
  const tiny = createTinyNetwork(1);
  const parameter = tiny.parameters.get('conv1.weight')!;
  const parameters = new Map(
    layers.map((layer, i) => [String(i), { ...parameter, name: String(i), ...layer }]),
  );
  return { ...tiny, parameters, prunable: [...parameters.keys()], layers: [] };
}
const weightsOf = ({ parameters }: Network) =>
  new Map([...parameters].map(([name, { data }]): [string, Float32Array] => [name, data]));
const cutOf = (masks: ReadonlyMap<string, Float32Array>) =>
  [...masks.values()].reduce((sum, mask) => sum + mask.filter((keep) => keep === 0).length, 0);
const sizeOf = ({ parameters }: Network) =>
  [...parameters.values()].reduce((sum, { data }) => sum + data.length, 0);

describe('single weights', () => {
  test.each(CRITERIA)(
    '%s cuts the exact share, and never a larger weight of a layer than it keeps',
    (criterion) => {
      fc.assert(
        fc.property(networkArbitrary, sparsityArbitrary, (network, sparsity) => {
          const masks = chooseMasks(network, weightsOf(network), { sparsity, criterion });
          expect(cutOf(masks)).toBe(Math.floor(sparsity * sizeOf(network)));
          for (const [name, mask] of masks) {
            const { data } = network.parameters.get(name)!;
            const of = (keep: number) => [...data].filter((_, i) => mask[i] === keep).map(Math.abs);
            expect(Math.max(0, ...of(0))).toBeLessThanOrEqual(Math.min(Infinity, ...of(1)));
          }
        }),
      );
    },
  );

  test.each(['magnitude', 'lamp'] as const)('%s leaves every layer its least share', (criterion) => {
    fc.assert(
      fc.property(networkArbitrary, sparsityArbitrary, (network, sparsity) => {
        for (const mask of chooseMasks(network, weightsOf(network), { sparsity, criterion }).values()) {
          const kept = mask.filter((keep) => keep === 1).length;
          expect(kept).toBeGreaterThanOrEqual(Math.floor(LEAST_SHARE * (1 - sparsity) * mask.length));
        }
      }),
    );
  });

  test('LAMP scores are those of its equation 3', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 1, max: 500 }), { minLength: 1 }), (magnitudes) => {
        const scores = lampScores(Float32Array.from(magnitudes));
        magnitudes.forEach((u, i) => {
          const rest = magnitudes.filter((v) => v >= u).reduce((sum, v) => sum + v * v, 0);
          expect(scores[i]).toBe(Math.fround((u * u) / rest));
        });
      }),
    );
  });

  test('uniform spares the first and the last layer as long as half an equal share is left to the others', () => {
    expect(uniformCounts([10, 100, 100, 10], 0.5)).toEqual([0, 55, 55, 0]);
    expect(uniformCounts([100, 50, 50, 100], 0.8)).toEqual([75, 45, 45, 75]);
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 6 }),
        sparsityArbitrary,
        (sizes, sparsity) => {
          const counts = uniformCounts(sizes, sparsity);
          const total = sizes.reduce((a, b) => a + b);
          expect(counts.reduce((a, b) => a + b)).toBe(Math.floor(sparsity * total));
          counts.forEach((count, i) => {
            expect(count).toBeGreaterThanOrEqual(0);
            expect(count).toBeLessThanOrEqual(sizes[i]);
          });
        },
      ),
    );
  });
});

describe('patterns', () => {
  test('n:m keeps the n largest of every m consecutive inputs, of a shorter group its share rounded up', () => {
    fc.assert(
      fc.property(networkArbitrary, fc.integer({ min: 1, max: 5 }), fc.nat(4), (network, n, more) => {
        const m = n + more;
        const options = { sparsity: 1 - n / m, pattern: { kind: 'n:m', n, m } as const };
        const masks = chooseMasks(network, weightsOf(network), options);
        for (const [name, mask] of masks) {
          const { dims, data } = network.parameters.get(name)!;
          const [outputs, inputs, taps] = dims;
          for (let o = 0; o < outputs; o++)
            for (let t = 0; t < taps; t++)
              for (let first = 0; first < inputs; first += m) {
                const group = Array.from(
                  { length: Math.min(m, inputs - first) },
                  (_, i) => (o * inputs + first + i) * taps + t,
                );
                const kept = group.filter((i) => mask[i] === 1).map((i) => Math.abs(data[i]));
                const largest = group.map((i) => Math.abs(data[i])).sort((a, b) => b - a);
                expect(kept.sort((a, b) => b - a)).toEqual(
                  largest.slice(0, Math.ceil((group.length * n) / m)),
                );
              }
        }
      }),
    );
  });

  test('n:m follows the input channels of a linear layer stored either way', () => {
    const tiny = createTinyNetwork(1);
    const [linear] = tiny.layers.filter(({ weight: name }) => name === 'linear.weight');
    const data = Float32Array.of(9, 1, 8, 2, 7, 3, 1, 1, 6, 2, 5, 3);
    const network = (
      dims: number[],
      values: Float32Array,
      axes: { outputAxis: number; inputAxis: number },
    ): Network => ({
      ...tiny,
      prunable: ['linear.weight'],
      parameters: new Map([
        ['linear.weight', { ...tiny.parameters.get('linear.weight')!, dims, data: values }],
      ]),
      layers: [{ ...linear, ...axes }],
    });
    const options = { sparsity: 0.5, pattern: { kind: 'n:m', n: 2, m: 4 } as const };
    const rows = network([3, 4], data, { outputAxis: 0, inputAxis: 1 });
    const columns = network(
      [4, 3],
      data.map((_, i) => data[(i % 3) * 4 + Math.floor(i / 3)]),
      { outputAxis: 1, inputAxis: 0 },
    );
    const byRow = chooseMasks(rows, weightsOf(rows), options).get('linear.weight')!;
    const byColumn = chooseMasks(columns, weightsOf(columns), options).get('linear.weight')!;
    expect([...byRow]).toEqual([1, 0, 1, 0, 1, 1, 0, 0, 1, 0, 1, 0]);
    expect([...byColumn]).toEqual([...byRow].map((_, i) => byRow[(i % 3) * 4 + Math.floor(i / 3)]));
  });

  test('blocks of consecutive outputs fall together, as many as fit, those of the lowest mean first', () => {
    fc.assert(
      fc.property(layerArbitrary, sparsityArbitrary, (layer, sparsity) => {
        const network = networkOf([layer]);
        const masks = chooseMasks(network, weightsOf(network), { sparsity, pattern: { kind: 'block' } });
        const mask = masks.get('0')!;
        const [outputs, inputs, taps] = layer.dims;
        const means: [number, number][] = [];
        for (let first = 0; first < outputs; first += BLOCK)
          for (let at = 0; at < inputs * taps; at++) {
            const block = Array.from(
              { length: Math.min(BLOCK, outputs - first) },
              (_, i) => (first + i) * inputs * taps + at,
            );
            expect(new Set(block.map((i) => mask[i])).size).toBe(1);
            means.push([
              mask[block[0]],
              block.reduce((sum, i) => sum + Math.abs(layer.data[i]), 0) / block.length,
            ]);
          }
        const of = (keep: number) => means.filter(([kept]) => kept === keep).map(([, mean]) => mean);
        expect(Math.max(0, ...of(0))).toBeLessThanOrEqual(Math.min(Infinity, ...of(1)));
        const missed = Math.floor(sparsity * mask.length) - cutOf(masks);
        expect(missed).toBeGreaterThanOrEqual(0);
        expect(missed).toBeLessThan(BLOCK);
      }),
    );
  });

  test('are read strictly, and an n:m pattern says how much it cuts', () => {
    expect(parsePattern('2:4')).toEqual({ kind: 'n:m', n: 2, m: 4 });
    expect(parsePattern('block')).toEqual({ kind: 'block' });
    for (const text of ['', '4:2', '0:4', '2:4:8', '2:x', 'blocks'])
      expect(() => parsePattern(text)).toThrow(/^There is no pattern/);
    expect(sparsityOf(parsePattern('1:4'), undefined, 0.5)).toBe(0.75);
    expect(sparsityOf(parsePattern('1:4'), 0.75, 0.5)).toBe(0.75);
    expect(() => sparsityOf(parsePattern('2:4'), 0.6, 0.75)).toThrow(/contradicts/);
    expect(sparsityOf(parsePattern('block'), 0.6, 0.75)).toBe(0.6);
    expect(sparsityOf(parsePattern('block'), undefined, 0.75)).toBe(0.75);
  });
});

describe('gradual pruning', () => {
  const schedule = { from: 0.2, until: 100, every: 10 };

  test('cuts fast at first, then slower, and reaches its end', () => {
    expect(cubicSparsity(0.8, schedule, 0)).toBeCloseTo(0.2, 12);
    expect(cubicSparsity(0.8, schedule, 50)).toBeCloseTo(0.8 - 0.6 / 8, 12);
    expect(cubicSparsity(0.8, schedule, 100)).toBe(0.8);
    expect(cubicSparsity(0.8, schedule, 1000)).toBe(0.8);
    const steps = Array.from({ length: 200 }, (_, i) => i).filter((step) => cutsAt(schedule, step));
    expect(steps).toEqual([0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100]);
  });

  test.each(['unstructured', '2:4', 'block'])(
    '%s: what was cut stays cut while other weights change',
    (text) => {
      const network = createTinyNetwork(1);
      const pattern = parsePattern(text);
      const options = { sparsity: sparsityOf(pattern, undefined, 0.8), pattern };
      let weights = new Map(
        [...network.parameters].map(([name, { data }]): [string, Float32Array] => [name, data]),
      );
      let before = maskAt(network, weights, options, schedule, 0);
      for (let step = 10; step <= 100; step += 10) {
        weights = new Map(
          [...weights].map(([name, values]): [string, Float32Array] => [
            name,
            values.map((value, i) => (before.get(name)?.[i] === 0 ? 0 : value + 0.1 * Math.sin(step + i))),
          ]),
        );
        const masks = maskAt(network, weights, options, schedule, step);
        for (const [name, mask] of masks)
          expect(mask.every((keep, i) => keep <= before.get(name)![i])).toBe(true);
        before = masks;
      }
      expect(before).toEqual(chooseMasks(network, weights, options));
    },
  );
});
