import { totalmem } from 'node:os';
import { DfkdError } from './errors.js';

/** Bytes a job may use unless told otherwise: what this machine has, less a quarter for everything else. */
export function defaultMaxMemory(): number {
  return Math.floor(0.75 * totalmem());
}

/** Tracing, differentiating and loading take time for each node; real classifiers have a few thousand. */
const MAX_NODES = 20_000;

/** Refuses graphs of more nodes than are ever needed. @throws DfkdError E_LIMIT */
export function checkNodeCount(count: number): void {
  if (count <= MAX_NODES) return;
  throw new DfkdError('E_LIMIT', `The model computes ${count} nodes; at most ${MAX_NODES} are supported.`);
}

/**
 * Refuses before anything is allocated; `what` is the subject of the sentence.
 * @throws DfkdError E_LIMIT
 */
export function checkMemory(what: string, bytes: number, limit: number = defaultMaxMemory()): void {
  if (bytes <= limit) return;
  throw new DfkdError(
    'E_LIMIT',
    `${what} would need ${formatBytes(bytes)} of memory; ${formatBytes(limit)} are allowed (--max-memory).`,
  );
}

function formatBytes(bytes: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'];
  const power = Math.min(Math.max(Math.floor(Math.log2(bytes) / 10), 0), units.length - 1);
  return `${Number((bytes / 1024 ** power).toPrecision(3))} ${units[power]}`;
}
