import { defineConfig } from 'vitest/config';

/** `npm run test:interop`: what needs a Python with onnx and onnxruntime, and is no part of `npm test`. */
export default defineConfig({
  test: { include: ['test/interop/*.interop.ts'], testTimeout: 120_000, pool: 'forks' },
});
