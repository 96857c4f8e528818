import type { HostTensor } from '../engine/engine.js';
import type { Student } from '../student.js';

/**
 * Batches for which a live source draws once, and is shown the student once: it changes little in so few steps. Updates
 * for every fourth batch were a third of distillation's time; those for every twentieth did as well (a ResNet-20 at 95%).
 */
export const FOLLOW = 32;

/**
 * One interface for everything downstream: stored dreams, a live generator, a user's images. Whoever needs the
 * teacher's logits computes them in the step that consumes the images, so that augmentation never spoils them.
 */
export interface ImageSource {
  /** The next batch of exactly `size` images as the model takes them, drawn with the source's own seeded stream. */
  next(size: number): Promise<HostTensor>;
  /** A live source is shown the student every FOLLOW steps while it learns, and makes images that the student finds hard. */
  follow?(student: Student): Promise<void>;
}
