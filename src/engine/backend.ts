import * as tf from '@tensorflow/tfjs-core';

/**
 * Runs `work` on the tfjs backend of this name, whose factory must be synchronous, and then returns to the one before.
 * The backend is tfjs' global state: `work` must be synchronous too.
 */
export function withBackend<T>(name: string, work: () => T): T {
  const previous = tf.getBackend() as string | undefined;
  useBackend(name);
  try {
    return work();
  } finally {
    if (previous !== undefined) useBackend(previous);
  }
}

function useBackend(name: string): void {
  if (tf.getBackend() === name) return;
  void tf.setBackend(name);
  if (tf.getBackend() !== name) throw new Error(`tfjs did not switch to its backend '${name}'`);
}
