import * as tf from '@tensorflow/tfjs-core';
import type { Model } from '../../converters/model.js';
import { insertBatchNorms, type ChannelStatistics } from '../../converters/passes/insert-batch-norms.js';
import { inlineFunctions } from '../../converters/passes/inline-functions.js';
import type { Engine } from '../engine/engine.js';
import type { BatchNorm, Network } from '../network/network.js';
import type { RunControl } from '../progress.js';
import { copyTeacher, replaceWeights, type Student } from '../student.js';
import { averageOverBatches, type AverageOptions } from './average-batches.js';
import { channelMoments } from './channel-statistics.js';

/**
 * Networks without batch norm (folded at export, or built without) are trained through one that is put behind each
 * convolution and computes nothing to begin with. So their dreams match statistics, their pruned layers are repaired,
 * and their gradients keep their scale like those of any other network; in the end it is folded into the convolution:
 *
 *     scale (w x + b - mean) / s + offset = (scale / s) w x + (scale / s) (b - mean) + offset, s = sqrt(variance + epsilon)
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
  const read = new Map<string, string>();
  for (const { name, consumers } of parameters.values()) {
    if (consumers.length === 1) read.set(inputKey(consumers[0].output, consumers[0].input), name);
  }
  return inlineFunctions(model).nodes.flatMap(({ opType, domain, outputs: [output] }) => {
    const [weight, bias] = [1, 2].map((input) => read.get(inputKey(output, input)));
    const isFoldable = opType === 'Conv' && domain === '' && weight !== undefined && bias !== undefined;
    return isFoldable ? [{ output, weight, bias }] : [];
  });
}

function inputKey(output: string, input: number): string {
  return `${input} ${output}`;
}

/**
 * The model with a batch norm behind each of these convolutions, whose statistics are those of images.
 * @param network lowered from `model`
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
  const statistics = convolutions.map(({ output }): [string, ChannelStatistics] => {
    const mean = measured.get(`mean of ${output}`)!;
    const meanSquare = measured.get(`mean square of ${output}`)!;
    return [output, { mean, variance: meanSquare.map((x, c) => Math.max(x - mean[c] ** 2, 0)) }];
  });
  return insertBatchNorms(model, new Map(statistics));
}

/** The student of the network without these batch norms that computes the same; masked weights stay exactly 0. */
export function foldBatchNorms(
  network: Network,
  convolutions: readonly FoldableConvolution[],
  { batchNorms }: Network,
  student: Student,
): Student {
  const own = (name: string) => student.weights.get(name) ?? network.parameters.get(name)!.data;
  const weights = new Map(
    Array.from(copyTeacher(network).weights.keys(), (name): [string, Float32Array] => [name, own(name)]),
  );
  const norms = new Map(batchNorms.map((norm) => [norm.output, norm]));
  for (const { output, weight, bias } of convolutions) {
    const { scale, offset, mean, variance, epsilon } = parametersOf(norms.get(output)!, student);
    const factors = scale.map((x, c) => x / Math.sqrt(variance[c] + epsilon));
    const row = own(weight).length / factors.length;
    weights.set(
      weight,
      own(weight).map((w, i) => w * factors[Math.floor(i / row)]),
    );
    weights.set(
      bias,
      own(bias).map((b, c) => factors[c] * (b - mean[c]) + offset[c]),
    );
  }
  return replaceWeights({ weights, masks: student.masks }, weights);
}

function parametersOf({ scale, offset, mean, variance, epsilon }: BatchNorm, { weights }: Student) {
  const own = (name: string) => weights.get(name)!;
  return { scale: own(scale), offset: own(offset), mean: own(mean), variance: own(variance), epsilon };
}
