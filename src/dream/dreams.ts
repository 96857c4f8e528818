import type { HostTensor } from '../engine/engine.js';

export interface Dreams {
  /** [count, channels, height, width] as the model takes them. */
  readonly images: HostTensor;
  /** The class each image was made for; without labels, the one the teacher sees in it. */
  readonly targets: readonly number[];
}
