export type OnnxRuntime = (typeof import('onnxruntime-node'))['default'];

let loaded: Promise<OnnxRuntime> | undefined;

/**
 * onnxruntime, loaded on first use with its telemetry off: version 1.30 reports device, file and tensor names by
 * default, and reads this variable only while it loads.
 */
export function loadOnnxRuntime(): Promise<OnnxRuntime> {
  process.env['ORT_DISABLE_TELEMETRY'] = '1';
  loaded ??= import('onnxruntime-node').then((module) => module.default);
  return loaded;
}
