import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // For what hangs: whole recoveries, a browser or an export take long on a slow and busy machine.
    testTimeout: 180_000,
    hookTimeout: 60_000,
    // Native addons are loaded in child processes, never in worker threads.
    pool: 'forks',
    maxWorkers: 2,
  },
});
