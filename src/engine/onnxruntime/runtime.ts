import type * as OnnxRuntime from 'onnxruntime-node';

let loaded: Promise<typeof OnnxRuntime> | undefined;

/**
 * onnxruntime, loaded on first use with its telemetry off: version 1.30 reports device, file and tensor names by
 * default, and reads this variable only while it loads.
 */
export function loadOnnxRuntime(): Promise<typeof OnnxRuntime> {
  process.env['ORT_DISABLE_TELEMETRY'] = '1';
  // onnxruntime-node is CommonJS: its exports arrive as `default`.
  loaded ??= import('onnxruntime-node').then((module) => ('default' in module ? module.default : module));
  return loaded;
}
