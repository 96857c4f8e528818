import type { Engine, HostTensor } from '../../engine/engine.js';
import { fromPixelSpace, type Preprocessing } from '../../preprocess.js';
import type { RunControl } from '../../progress.js';
import { createRandom, type Random } from '../../random.js';
import { createRunRecord } from '../../run-record.js';
import type { Teacher } from '../../teacher.js';
import { takeImages } from '../dream-source.js';
import { naturalNoise } from '../noise.js';
import { synthesise, type SynthesisOptions } from '../synthesise.js';
import type { Examiner } from './examine.js';
import { shardRange, type DreamPlan } from './plan.js';
import { restoreImages, storeImages, type Shard } from './shard.js';

/** Images over which the distances of start images and of noise are measured. */
const SAMPLE = 128;

export type Baselines = Pick<Shard['statistics'], 'start' | 'noise'>;

/** What dreams are compared with: noise as dreams start from, and Gaussian noise. The same for every shard of a plan. */
export async function measureBaselines(
  { preprocessing, network }: Pick<Teacher, 'preprocessing' | 'network'>,
  examiner: Examiner,
  { seed }: DreamPlan,
): Promise<Baselines> {
  const random = createRandom(seed).split('baselines');
  const shape = [SAMPLE, ...network.input.shape.slice(1)];
  const size = shape.reduce((product, dim) => product * dim, 1);
  const distances = (data: Float32Array) => examiner.distances(toInput({ shape, data }, preprocessing));
  return {
    start: await distances(naturalNoise(shape, random.split('start'))),
    noise: await distances(random.split('noise').gaussian(size)),
  };
}

/** Images in normalised pixel space as the model takes them, clipped to the range of pixels. */
function toInput({ shape, data }: HostTensor, preprocessing: Preprocessing): HostTensor {
  const { range } = preprocessing;
  const clipped = range ? data.map((u) => Math.min(Math.max(u, range.low), range.high)) : data;
  return fromPixelSpace({ shape, data: clipped }, preprocessing);
}

/** Makes one shard of a plan; what the teacher says is said of the images as they are stored. */
export async function makeShard(
  engine: Engine,
  { model, preprocessing }: Pick<Teacher, 'model' | 'preprocessing'>,
  examiner: Examiner,
  baselines: Baselines,
  plan: DreamPlan,
  index: number,
  options: Omit<SynthesisOptions, 'count' | 'first'>,
  control: RunControl,
): Promise<Shard> {
  const { first, size } = shardRange(plan.config, index);
  const run = createRunRecord(control);
  const made = await synthesise(
    plan.config.synthesis,
    engine,
    model,
    preprocessing,
    { ...options, count: size, first },
    shardRandom(plan, index),
    run.control,
  );
  const wanted = Array.from({ length: size }, (_, i) => i);
  const images = storeImages(takeImages(made.images, wanted), preprocessing);
  const { logits, features, statistics } = await examiner.examine(restoreImages(images, preprocessing));
  return {
    plan,
    index,
    images,
    targets: Int32Array.from(made.targets.slice(0, size)),
    logits,
    features,
    statistics: { ...statistics, ...baselines },
    curves: run.curves(),
  };
}

function shardRandom({ seed }: DreamPlan, index: number): Random {
  return createRandom(seed).split('dreams').split(String(index));
}
