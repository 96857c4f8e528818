import type { HostTensor } from '../engine/engine.js';

/** Images as the model takes them, [batch, channels, height, width], with the teacher's logits [batch, classes]. */
export interface ImageBatch {
  readonly images: HostTensor;
  readonly logits: HostTensor;
}

/** One interface for everything downstream: stored dreams, a live generator, a user's images. */
export interface ImageSource {
  /** The next batch of exactly `size` images, drawn with the source's own seeded stream. */
  next(size: number): Promise<ImageBatch>;
}
