import { createHash } from 'node:crypto';
import { DfkdError } from '../../../converters/errors.js';
import type { HostTensor } from '../../engine/engine.js';
import { toBytes, toModelInput, type Preprocessing } from '../../preprocess.js';
import type { LossCurve } from '../../run-record.js';
import { decodeCurves, encodeCurves } from './curves.js';
import { parsePlan, shardRange, type DreamPlan } from './plan.js';
import { decodeSafetensors, encodeSafetensors, isObject, type StoredTensor } from './safetensors.js';

/** A batch norm's name and width; statistics of all layers lie one after another. */
export interface LayerName {
  readonly name: string;
  readonly channels: number;
}

/** What the teacher's batch norms see, summed up so that shards can be averaged. */
export interface LayerStatistics {
  readonly layers: readonly LayerName[];
  /** Per channel of all layers: mean of the deviation from the running mean, and of its square; running variance. */
  readonly deviation: Float32Array;
  readonly square: Float32Array;
  readonly variance: Float32Array;
  /** Per layer: the distance of start images, and of Gaussian noise; the same in every shard of a plan. */
  readonly start: Float32Array;
  readonly noise: Float32Array;
}

/** A part of a set of dreams, with what its quality is computed from; no teacher is needed to do so. */
export interface Shard {
  readonly plan: DreamPlan;
  readonly index: number;
  /** [size, channels, height, width]: pixels 0..255 where the range of pixels is known, else the model's input. */
  readonly images: { readonly shape: readonly number[]; readonly data: Uint8Array | Float32Array };
  /** The class each image was made for. */
  readonly targets: Int32Array;
  /** The teacher's, of these very images: [size, classes]. */
  readonly logits: HostTensor;
  /** What the teacher's last layer reads, averaged over positions: [size, features]. */
  readonly features: HostTensor;
  readonly statistics: LayerStatistics;
  readonly curves: readonly LossCurve[];
}

/** Keys of the file's metadata. */
const DOCUMENT = 'onnx_dfkd.dreams';
const HASH = 'onnx_dfkd.sha256';

const STATISTICS = ['deviation', 'square', 'variance', 'start', 'noise'] as const;

/** Images as a shard keeps them: bytes where the range of pixels is known, which is what pixels are. */
export function storeImages(images: HostTensor, preprocessing: Preprocessing): Shard['images'] {
  if (preprocessing.range === null) return images;
  return { shape: images.shape, data: Uint8Array.from(toBytes(images, preprocessing)) };
}

/** Stored images as the model takes them. */
export function restoreImages({ shape, data }: Shard['images'], preprocessing: Preprocessing): HostTensor {
  return data instanceof Uint8Array ? toModelInput(data, shape, preprocessing) : { shape, data };
}

/** The same shard gives the same bytes. */
export function encodeShard(shard: Shard): Uint8Array {
  const { plan, index, images, targets, logits, features, statistics, curves } = shard;
  const vector = (data: Float32Array | Int32Array): StoredTensor => ({ shape: [data.length], data });
  const tensors = new Map<string, StoredTensor>([
    ['images', images],
    ['targets', vector(targets)],
    ['logits', logits],
    ['features', features],
    ...STATISTICS.map((name) => [`batchNorm.${name}`, vector(statistics[name])] as const),
    ...encodeCurves(curves),
  ]);
  const document = JSON.stringify({ ...plan, index, layers: statistics.layers });
  const metadata = new Map([
    [DOCUMENT, document],
    [HASH, hashContent(document, tensors)],
  ]);
  return encodeSafetensors({ metadata, tensors });
}

/**
 * Reads a shard that anyone may have written; `name` is what messages call it. Throws E_PARSE where it is not one, or
 * where its content is not what was written; E_TENSOR where its parts do not fit each other.
 */
export function decodeShard(bytes: Uint8Array, name: string): Shard {
  const { metadata, tensors } = decodeSafetensors(bytes, name);
  const document = metadata.get(DOCUMENT);
  if (document === undefined) throw new DfkdError('E_PARSE', `'${name}' is not a shard of dreams.`);
  if (metadata.get(HASH) !== hashContent(document, tensors)) {
    throw new DfkdError('E_PARSE', `'${name}' is damaged: its content does not have the SHA-256 it names.`);
  }
  const { plan, index, layers } = parseDocument(document, name);
  const { input } = plan.config;
  const { size } = shardRange(plan.config, index);

  /** The tensor of this name and shape; a null dimension is free. */
  const take = <T extends StoredTensor['data']>(
    key: string,
    Type: abstract new (...of: never[]) => T,
    shape: readonly (number | null)[],
  ): { shape: readonly number[]; data: T } => {
    const tensor = tensors.get(key);
    const fits =
      tensor?.shape.length === shape.length &&
      shape.every((dim, i) => (dim ?? tensor.shape[i]) === tensor.shape[i]);
    if (fits && tensor.data instanceof Type && tensor.data.every(Number.isFinite)) {
      return { shape: tensor.shape, data: tensor.data };
    }
    const wanted = shape.map((dim) => dim ?? '?').join(', ');
    throw new DfkdError(
      'E_TENSOR',
      `'${name}' lacks finite ${key} of shape [${wanted}]; ${tensor ? `they are [${tensor.shape.join(', ')}]` : 'there are none'}.`,
    );
  };
  const channels = layers.reduce((sum, layer) => sum + layer.channels, 0);
  const perChannel = (key: string) => take(`batchNorm.${key}`, Float32Array, [channels]).data;
  const perLayer = (key: string) => take(`batchNorm.${key}`, Float32Array, [layers.length]).data;
  const shard: Shard = {
    plan,
    index,
    images: plan.config.preprocessing.range
      ? take('images', Uint8Array, [size, ...input])
      : take('images', Float32Array, [size, ...input]),
    targets: take('targets', Int32Array, [size]).data,
    logits: take('logits', Float32Array, [size, null]),
    features: take('features', Float32Array, [size, null]),
    statistics: {
      layers,
      deviation: perChannel('deviation'),
      square: perChannel('square'),
      variance: perChannel('variance'),
      start: perLayer('start'),
      noise: perLayer('noise'),
    },
    curves: decodeCurves(tensors, name),
  };
  const classes = shard.logits.shape[1];
  const wrong = shard.targets.find((target) => target < 0 || target >= classes);
  if (wrong !== undefined) {
    throw new DfkdError('E_TENSOR', `'${name}' holds the target ${wrong}, but logits of ${classes} classes.`);
  }
  return shard;
}

function parseDocument(text: string, name: string): { plan: DreamPlan; index: number; layers: LayerName[] } {
  const fail = (what: string): never => {
    throw new DfkdError('E_PARSE', `'${name}' does not describe a shard of dreams: ${what}.`);
  };
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    return fail('its description is not JSON');
  }
  if (!isObject(document)) return fail('its description is not a JSON object');
  const { index, layers, ...rest } = document;
  const plan = parsePlan(rest, name);
  if (!Number.isSafeInteger(index) || !((index as number) >= 0 && (index as number) < plan.config.shards)) {
    return fail(`its index is not one of its ${plan.config.shards} shards`);
  }
  const isLayer = (layer: unknown) =>
    isObject(layer) &&
    typeof layer['name'] === 'string' &&
    Number.isSafeInteger(layer['channels']) &&
    (layer['channels'] as number) > 0;
  if (!Array.isArray(layers) || !layers.every(isLayer)) return fail('its layers are malformed');
  return { plan, index: index as number, layers: layers as LayerName[] };
}

/** Of the description and of every tensor's name, shape and bytes. */
function hashContent(document: string, tensors: ReadonlyMap<string, StoredTensor>): string {
  const hash = createHash('sha256').update(document);
  for (const name of [...tensors.keys()].sort()) {
    const { shape, data } = tensors.get(name)!;
    hash.update(JSON.stringify([name, shape, data.constructor.name]));
    hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  return hash.digest('hex');
}
