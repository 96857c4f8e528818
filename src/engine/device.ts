/** Where steps are computed: onnxruntime's execution providers, in the order in which `auto` tries them; cpu comes last. */
export const DEVICES = ['cuda', 'dml', 'coreml', 'webgpu', 'cpu'] as const;
export type Device = (typeof DEVICES)[number];
