import { describe, expect, test } from 'vitest';
import { defaultThreads } from '../src/engine/onnxruntime/threads.js';

const SMT = '/sys/devices/system/cpu/smt/active';
const V2 = '/sys/fs/cgroup/cpu.max';
const V1 = '/sys/fs/cgroup/cpu/cpu.cfs_';

/** Texts as the kernel's files hold them. */
const machine = (processors: number, files: Record<string, string> = {}) => ({
  processors,
  read: (path: string) => files[path] ?? null,
});

describe('threads by default', () => {
  test.each([
    ['one per processor where nothing is known', machine(2), 2],
    ['one per processor without hyperthreads', machine(16, { [SMT]: '0\n' }), 16],
    ['one per core of two hyperthreads', machine(16, { [SMT]: '1\n' }), 8],
    ['one on half a core', machine(1, { [SMT]: '1\n' }), 1],
    ['as many as a container may use', machine(64, { [V2]: '200000 100000\n' }), 2],
    ['one more for a part', machine(64, { [V2]: '250000 100000\n' }), 3],
    ['all, where the container has no limit', machine(4, { [V2]: 'max 100000\n' }), 4],
    [
      'as many as an older container may use',
      machine(64, { [`${V1}quota_us`]: '400000\n', [`${V1}period_us`]: '100000\n' }),
      4,
    ],
    [
      'all, where an older container has no limit',
      machine(4, { [`${V1}quota_us`]: '-1\n', [`${V1}period_us`]: '100000\n' }),
      4,
    ],
  ])('%s', (_, at, threads) => {
    expect(defaultThreads(at)).toBe(threads);
  });
});
