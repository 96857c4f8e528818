import { describe, expect, test } from 'vitest';
import { createDreamSource, holdOut } from '../src/dream/dream-source.js';
import type { ImageSource } from '../src/dream/image-source.js';
import { mixedSource } from '../src/dream/mixed-source.js';
import type { HostTensor } from '../src/engine/engine.js';
import { createRandom } from '../src/random.js';
import type { Student } from '../src/student.js';

describe('stored dreams', () => {
  const numbered = {
    images: { shape: [10, 1, 2, 2], data: Float32Array.from({ length: 40 }, (_, i) => Math.floor(i / 4)) },
    targets: Array.from({ length: 10 }, (_, i) => i),
  };
  const ids = ({ shape, data }: HostTensor) => Array.from({ length: shape[0] }, (_, i) => data[i * 4]);

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
