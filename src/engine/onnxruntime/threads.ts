import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';

/** What the choice rests on: processors this process may run on, and a file's text, null where there is none. */
export interface Machine {
  readonly processors: number;
  readonly read: (path: string) => string | null;
}

const HERE = (): Machine => ({
  processors: availableParallelism(),
  read: (path) => {
    try {
      return readFileSync(path, 'utf8');
    } catch {
      return null;
    }
  },
});

/**
 * Threads within one operator where the user asks for no number: one per physical core, and no more than a container may
 * use at once. onnxruntime's own choice knows nothing of containers, and is half of the cores on virtual machines that do
 * not show it their processor.
 */
export function defaultThreads({ processors, read }: Machine = HERE()): number {
  // Two hyperthreads of a core share what computes.
  const cores = read('/sys/devices/system/cpu/smt/active')?.trim() === '1' ? processors / 2 : processors;
  return Math.max(1, Math.ceil(Math.min(cores, containerLimit(read))));
}

/** Processors' worth of time, https://docs.kernel.org/admin-guide/cgroup-v2.html#cpu-interface-files or version 1's. */
function containerLimit(read: Machine['read']): number {
  const version1 = ['quota', 'period'].map((name) => read(`/sys/fs/cgroup/cpu/cpu.cfs_${name}_us`) ?? '');
  const [quota, period] = (read('/sys/fs/cgroup/cpu.max')?.trim().split(' ') ?? version1).map(Number);
  return quota > 0 && period > 0 ? quota / period : Infinity;
}
