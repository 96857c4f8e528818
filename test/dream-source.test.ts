import { describe, expect, test } from 'vitest';
import { createDreamSource, holdOut } from '../src/dream/dream-source.js';
import type { ImageSource } from '../src/dream/image-source.js';
import { ImagePool, pooledSource } from '../src/dream/image-pool.js';
import { mixedSource } from '../src/dream/mixed-source.js';
import type { HostTensor } from '../src/engine/engine.js';
import { createRandom } from '../src/random.js';
import type { Student } from '../src/student.js';

const ids = ({ shape, data }: HostTensor) => Array.from({ length: shape[0] }, (_, i) => data[i * 4]);

describe('stored dreams', () => {
  const numbered = {
    images: { shape: [10, 1, 2, 2], data: Float32Array.from({ length: 40 }, (_, i) => Math.floor(i / 4)) },
    targets: Array.from({ length: 10 }, (_, i) => i),
  };

  test('are held out at random, each image on one side only, with its target', () => {
    const { training, measuring } = holdOut(numbered, 3, createRandom(0));
    expect(ids(training.images)).toEqual(training.targets);
    expect(ids(measuring.images)).toEqual(measuring.targets);
    expect(measuring.targets).toHaveLength(3);
    expect([...training.targets, ...measuring.targets].sort((a, b) => a - b)).toEqual(numbered.targets);
  });

  test('are drawn epoch by epoch, across batch borders', async () => {
    const source = createDreamSource(numbered, 1, createRandom(0));
    const drawn: number[] = [];
    for (let i = 0; i < 5; i++) drawn.push(...ids(await source.next(4)));
    for (const epoch of [drawn.slice(0, 10), drawn.slice(10)]) {
      expect([...epoch].sort((a, b) => a - b)).toEqual(numbered.targets);
    }
    expect(drawn.slice(0, 10)).not.toEqual(drawn.slice(10));
  });

  test('are augmented by moves that keep every pixel', async () => {
    const one = {
      images: { shape: [1, 1, 3, 3], data: Float32Array.from([1, 2, 3, 4, 5, 6, 7, 8, 9]) },
      targets: [0],
    };
    const { data } = await createDreamSource(one, 1, createRandom(0)).next(200);
    const seen = new Set<string>();
    for (let i = 0; i < 200; i++) {
      const moved = Array.from(data.subarray(i * 9, i * 9 + 9));
      expect([...moved].sort()).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
      seen.add(moved.join());
    }
    expect(seen.size).toBe(18); // 3 x 3 shifts, mirrored or not
  });

  test('a share of every batch is stored images, and the source still follows the student', async () => {
    const followed: Student[] = [];
    const synthesised: ImageSource = {
      next: (size) => Promise.resolve({ shape: [size, 1, 2, 2], data: new Float32Array(4 * size).fill(-1) }),
      follow: (student) => Promise.resolve(void followed.push(student)),
    };
    const source = mixedSource(synthesised, createDreamSource(numbered, 1, createRandom(0)), 1 / 4);
    const drawn: number[] = [];
    for (let i = 0; i < 5; i++) {
      const batch = await source.next(8);
      expect(batch.shape).toEqual([8, 1, 2, 2]);
      expect(ids(batch).filter((id) => id === -1)).toHaveLength(6);
      drawn.push(...ids(batch).filter((id) => id !== -1));
    }
    expect([...drawn].sort((a, b) => a - b)).toEqual(numbered.targets);
    const student = { weights: new Map(), masks: new Map() };
    await source.follow!(student);
    expect(followed).toEqual([student]);
  });
});

describe('a pool', () => {
  const batchOf = (id: number, count = 2): HostTensor => ({
    shape: [count, 1, 2, 2],
    data: new Float32Array(count * 4).fill(id),
  });

  test('gives the newest first, as many as are asked for, then any of those it has kept', () => {
    const pool = new ImagePool(3, 1, createRandom(0));
    for (const id of [1, 2, 3, 4]) pool.keep(batchOf(id));
    const taken = pool.take(200, 2);
    expect(taken.shape).toEqual([200, 1, 2, 2]);
    expect(ids(taken).slice(0, 2)).toEqual([4, 4]);
    expect([...new Set(ids(taken))].sort()).toEqual([2, 3, 4]);
  });

  test('moves what it gives, and keeps it as it was', () => {
    const pool = new ImagePool(1, 1, createRandom(0));
    const data = Float32Array.from([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    pool.keep({ shape: [1, 1, 3, 3], data });
    const taken = pool.take(200, 1).data;
    const seen = new Set(Array.from({ length: 200 }, (_, i) => taken.slice(i * 9, i * 9 + 9).join()));
    expect(seen.size).toBe(18); // 3 x 3 shifts, mirrored or not
    expect([...data]).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  test('spares a dear source: it is asked for a share of every batch', async () => {
    const asked: number[] = [];
    let next = 0;
    const dear: ImageSource = {
      next: (size) => {
        asked.push(size);
        return Promise.resolve(batchOf(++next, size));
      },
    };
    const source = pooledSource(dear, 1 / 4, new ImagePool(2, 0, createRandom(0)));
    const batches: number[][] = [];
    for (let i = 0; i < 3; i++) batches.push(ids(await source.next(10)));
    expect(asked).toEqual([3, 3, 3]);
    batches.forEach((batch, i) => {
      expect(batch.slice(0, 3)).toEqual([i + 1, i + 1, i + 1]);
      for (const id of batch) expect(id === i + 1 || id === i).toBe(true);
    });
    expect(batches[2]).toContain(2);
  });
});
