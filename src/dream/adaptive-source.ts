import type { Engine, HostTensor } from '../engine/engine.js';
import type { Lowering } from '../network/lower-at.js';
import type { Preprocessing } from '../preprocess.js';
import type { RunControl } from '../progress.js';
import type { Random } from '../random.js';
import type { Student } from '../student.js';
import { createDreamSource, holdOut, joinImages } from './dream-source.js';
import { dream, type DreamOptions } from './dream.js';
import { FOLLOW, type ImageSource } from './image-source.js';
import { createInversion, type Inversion } from './inversion.js';

export interface AdaptiveOptions extends DreamOptions {
  /** Of the dreams made at first, those that are not learnt from. */
  readonly heldOut: number;
  /** Images are shifted by up to this many pixels whenever they are used. */
  readonly shift: number;
  /** Steps in which the student will learn from them. */
  readonly steps: number;
}

export interface AdaptiveSource extends ImageSource {
  /** [heldOut, channels, height, width]. */
  readonly measuring: HostTensor;
  follow(student: Student): Promise<void>;
  dispose(): Promise<void>;
}

/**
 * Adaptive DeepInversion (arXiv 1912.08795, section 3.3): half of the dreams are made from the teacher alone, the others
 * one batch at a time while the student learns, against the student as it is then, and evenly over its steps.
 */
export async function createAdaptiveSource(
  engine: Engine,
  lower: Lowering,
  preprocessing: Preprocessing,
  { count, heldOut, shift, steps, ...options }: AdaptiveOptions,
  random: Random,
  control: RunControl = {},
): Promise<AdaptiveSource> {
  const atFirst = count === 0 ? 0 : Math.max(Math.ceil(count / 2), heldOut + 1);
  const first = { ...options, count: atFirst };
  const dreams = await dream(engine, lower, preprocessing, first, random.split('dream'), control);
  const { training, measuring } = holdOut(dreams, heldOut, random.split('hold out'));
  let images = training.images;
  let source = createDreamSource({ images }, shift, random.split('source'));

  const rounds = Math.ceil(Math.max(0, count - dreams.targets.length) / options.batch);
  const times = Math.ceil(steps / FOLLOW);
  let rival: Student | undefined;
  let inversion: Inversion | undefined;
  let [shown, made] = [0, 0];
  return {
    measuring: measuring.images,
    next: (size) => source.next(size),
    async follow(student) {
      const due = Math.min(rounds, Math.floor((++shown * (rounds + 1)) / times));
      if (made >= due) return;
      rival = student;
      inversion ??= await createInversion(
        engine,
        lower,
        preprocessing,
        { ...options, student: () => rival! },
        random.split('adaptive'),
        control,
      );
      for (; made < due; made++) {
        const place = { before: made * options.iterations, steps: rounds * options.iterations };
        const batch = await inversion.dream(made, place);
        images = joinImages(images, batch.images);
      }
      source = createDreamSource({ images }, shift, random.split(`source ${made}`));
    },
    async dispose() {
      await inversion?.dispose();
    },
  };
}
