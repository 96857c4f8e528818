import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import type { Shard } from '../../src/dream/shards/shard.js';
import type { DreamPlan } from '../../src/dream/shards/plan.js';
import type { DreamsOptions } from '../../src/make-dreams-options.js';
import { createRandom } from '../../src/random.js';
import { TINY_PRESET } from './tiny-preset.js';
import { encodeTinyTeacher } from './tiny-teacher.js';

/** Twelve images in two shards, of a few updates each. */
export const TINY_DREAMS: DreamsOptions = {
  count: 12,
  shard: undefined,
  preset: { ...TINY_PRESET, dream: { ...TINY_PRESET.dream, batch: 6, iterations: 3 } },
  preprocess: 'cifar10',
};

/** A folder for each test of the calling file, with the tiny teacher as `teacher.onnx`. */
export function useDreamFolder(): {
  readonly path: (name: string) => string;
  /** Of a file in it. */
  readonly sha256: (name: string) => string;
} {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'dreams-'));
    writeFileSync(join(folder, 'teacher.onnx'), encodeTinyTeacher());
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });
  const path = (name: string) => join(folder, name);
  return {
    path,
    sha256: (name) =>
      createHash('sha256')
        .update(readFileSync(path(name)))
        .digest('hex'),
  };
}

export function tinyPlan(config: Partial<DreamPlan['config']> = {}): DreamPlan {
  return {
    version: '1.2.3',
    teacher: { sha256: 'ab'.repeat(32) },
    seed: 5,
    config: {
      synthesis: 'deepinversion',
      options: { iterations: 1 },
      input: [1, 2, 2],
      output: 'logits',
      preprocessing: { scale: [2], offset: [0.5], range: { low: -1.8, high: 2.2 } },
      count: 6,
      shards: 2,
      ...config,
    },
  };
}

/** A shard of `tinyPlan` with arbitrary content: three images of one channel of 2 x 2 pixels, three classes. */
export function tinyShard(index = 0, plan = tinyPlan()): Shard {
  const random = createRandom(index).split('shard');
  const floats = (size: number) => random.gaussian(size);
  return {
    plan,
    index,
    images: { shape: [3, 1, 2, 2], data: Uint8Array.from({ length: 12 }, () => random.integer(256)) },
    targets: Int32Array.of(0, 1, 2),
    logits: { shape: [3, 3], data: floats(9) },
    features: { shape: [3, 4], data: floats(12) },
    statistics: {
      layers: [
        { name: 'first', channels: 2 },
        { name: 'second', channels: 3 },
      ],
      deviation: floats(5),
      square: floats(5).map((x) => x * x),
      variance: floats(5).map((x) => 1 + x * x),
      start: floats(2),
      noise: floats(2),
    },
    curves: [{ stage: 'dream', steps: [1, 2], terms: { loss: [2, 1] } }],
  };
}
