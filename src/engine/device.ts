/** Where steps are computed: onnxruntime's execution providers, in the order in which `auto` tries them; cpu comes last. */
export const DEVICES = ['cuda', 'dml', 'coreml', 'webgpu', 'cpu'] as const;
export type Device = (typeof DEVICES)[number];

/** A small training step on a device compared with the cpu. */
export interface SelfCheck {
  readonly passed: boolean;
  /** Largest |a - b| / (|b| + 0.01), b computed on the cpu; NaN where a is no finite number. */
  readonly maxDifference: number;
}

export interface DeviceStatus {
  readonly name: Device;
  /** Whether it can be asked for by name. */
  readonly available: boolean;
  /** Absent where the device could not be started. */
  readonly selfCheck?: SelfCheck;
  /** Set where a program on the cpu stands in for a GPU: correct but slow, and never chosen by `auto`. */
  readonly softwareRenderer?: string;
  /** Why it is not available, and what to do about it. */
  readonly reason?: string;
  readonly hint?: string;
  readonly description?: string;
}

export interface DeviceList {
  readonly devices: readonly DeviceStatus[];
  /** What `--device auto` chooses. */
  readonly auto: Device;
}
