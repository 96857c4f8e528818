import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 60_000,
    // A browser or an export may take long to begin on a busy machine.
    hookTimeout: 60_000,
    // Native addons are loaded in child processes, never in worker threads.
    pool: 'forks',
    maxWorkers: 2,
  },
});
