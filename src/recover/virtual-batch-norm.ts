import * as tf from '@tensorflow/tfjs-core';
import type { Model } from '../../converters/model.js';
import { inlineFunctions } from '../../converters/passes/inline-functions.js';
import {
  EPSILON,
  insertBatchNorms,
  type InsertedBatchNorm,
} from '../../converters/passes/insert-batch-norms.js';
import type { Engine } from '../engine/engine.js';
import type { Network } from '../network/network.js';
import type { RunControl } from '../progress.js';
import { copyTeacher, replaceWeights, type Student } from '../student.js';
import { averageOverBatches, type AverageOptions } from './average-batches.js';
import { channelMoments } from './channel-statistics.js';

/**
 * Networks without batch norm (folded at export, or built without) get one behind each convolution that changes nothing:
 * the filters w are brought to length 1, as training with batch norm leaves them about equally long, and
 *
 *     scale (w x - mean) / s + offset,  s = sqrt(variance + epsilon)
 *
 * with statistics measured on images gives what the convolution gave before. So they are pruned, dreamt from, repaired
 * and trained like every other network. In the end each filter is multiplied by scale / s, and
 * offset - mean scale / s is the bias.
 */

/** A convolution into which a batch norm behind it can be folded. */
export interface FoldableConvolution {
  /** Names of its output, and of its parameters, which nothing else reads. */
  readonly output: string;
  readonly weight: string;
  readonly bias: string;
}

/** Convolutions with a weight and a bias of their own; a file without the bias has no place for an offset. */
export function findFoldable(model: Model, { parameters }: Network): FoldableConvolution[] {
  const { nodes } = inlineFunctions(model);
  const computed = new Set(nodes.flatMap(({ outputs }) => outputs));
  const all = [...parameters.values()];
  const isShared = (source: string) => all.filter((parameter) => parameter.source === source).length > 1;
  const own = all.filter(
    ({ source, consumers }) => consumers.length === 1 && !computed.has(source) && !isShared(source),
  );
  const read = new Map(own.map(({ name, consumers: [{ output, input }] }) => [`${input} ${output}`, name]));
  return nodes.flatMap(({ opType, domain, outputs: [output] }) => {
    const [weight, bias] = [1, 2].map((input) => read.get(`${input} ${output}`));
    const isFoldable = opType === 'Conv' && domain === '' && weight !== undefined && bias !== undefined;
    return isFoldable ? [{ output, weight, bias }] : [];
  });
}

/**
 * The model with a batch norm behind each of these convolutions.
 * @param network lowered from `model`
 * @param options the images that the statistics are measured on
 * @throws DfkdError E_NONFINITE
 */
export async function addBatchNorms(
  engine: Engine,
  model: Model,
  network: Network,
  convolutions: readonly FoldableConvolution[],
  options: AverageOptions,
  control: RunControl = {},
): Promise<Model> {
  if (convolutions.length === 0) return model;
  const measured = await averageOverBatches(
    engine,
    (images) => {
      const { values } = network.forward(tf, {}, images);
      const moments = convolutions.flatMap(({ output }): [string, tf.Tensor][] => {
        const { mean, variance } = channelMoments(values.get(output)!);
        return [
          [`mean of ${output}`, mean],
          [`mean square of ${output}`, tf.add(variance, tf.square(mean))],
        ];
      });
      return Object.fromEntries(moments);
    },
    options,
    control,
  );
  const norms = new Map<string, InsertedBatchNorm>();
  const weights = new Map<string, Float32Array>();
  for (const { output, weight, bias } of convolutions) {
    const [filters, biases] = [weight, bias].map((name) => network.parameters.get(name)!.data);
    const lengths = filterLengths(filters, biases.length);
    const mean = measured.get(`mean of ${output}`)!;
    const meanSquare = measured.get(`mean square of ${output}`)!;
    const variance = meanSquare.map((x, c) => Math.max(x - mean[c] ** 2, 0) / lengths[c] ** 2);
    weights.set(
      weight,
      scaleFilters(filters, (c) => 1 / lengths[c], lengths.length),
    );
    weights.set(bias, new Float32Array(biases.length));
    norms.set(output, {
      scale: variance.map((x, c) => Math.sqrt(x + EPSILON) * lengths[c]),
      offset: mean,
      mean: mean.map((x, c) => (x - biases[c]) / lengths[c]),
      variance,
    });
  }
  return insertBatchNorms(model, norms, weights);
}

/** Euclidean; 1 for a filter of zeros. */
function filterLengths(filters: Float32Array, count: number): Float64Array {
  const size = filters.length / count;
  return Float64Array.from({ length: count }, (_, c) => {
    const filter = filters.subarray(c * size, (c + 1) * size);
    return Math.sqrt(filter.reduce((sum, w) => sum + w * w, 0)) || 1;
  });
}

function scaleFilters(
  filters: Float32Array,
  factor: (channel: number) => number,
  count: number,
): Float32Array {
  const size = filters.length / count;
  return filters.map((w, i) => w * factor(Math.floor(i / size)));
}

/**
 * The student, in `network`, that computes what `student` computes with batch norm behind these convolutions; masked
 * weights stay exactly 0.
 * @param normalized lowered from the model that `addBatchNorms` made
 */
export function foldBatchNorms(
  network: Network,
  convolutions: readonly FoldableConvolution[],
  normalized: Network,
  student: Student,
): Student {
  const own = (name: string) => student.weights.get(name) ?? normalized.parameters.get(name)!.data;
  const folded = new Map(
    Array.from(copyTeacher(network).weights.keys(), (name): [string, Float32Array] => [name, own(name)]),
  );
  const norms = new Map(normalized.batchNorms.map((norm) => [norm.output, norm]));
  for (const { output, weight, bias } of convolutions) {
    const norm = norms.get(output)!;
    const [scale, offset, mean, variance] = [norm.scale, norm.offset, norm.mean, norm.variance].map(own);
    const factors = Float64Array.from(scale, (x, c) => x / Math.sqrt(variance[c] + norm.epsilon));
    folded.set(
      weight,
      scaleFilters(own(weight), (c) => factors[c], factors.length),
    );
    folded.set(
      bias,
      own(bias).map((b, c) => factors[c] * (b - mean[c]) + offset[c]),
    );
  }
  return replaceWeights({ weights: folded, masks: student.masks }, folded);
}
