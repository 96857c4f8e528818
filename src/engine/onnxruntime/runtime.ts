import { createRequire } from 'node:module';

export type OnnxRuntime = typeof import('onnxruntime-node');

const require = createRequire(import.meta.url);

/**
 * onnxruntime, loaded on first use with its telemetry off: version 1.30 reports device, file and tensor names by
 * default, and reads this variable only while it loads. `require` caches the module.
 */
export function loadOnnxRuntime(): OnnxRuntime {
  process.env['ORT_DISABLE_TELEMETRY'] = '1';
  return require('onnxruntime-node') as OnnxRuntime;
}
