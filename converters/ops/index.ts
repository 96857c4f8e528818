import type { Graph, Node } from '../model.js';
import type { OpDefinition } from './define-op.js';
import { Abs } from './abs.js';
import { Add } from './add.js';
import { And } from './and.js';
import { ArgMax } from './arg-max.js';
import { ArgMin } from './arg-min.js';
import { AveragePool } from './average-pool.js';
import { BatchNormalization } from './batch-normalization.js';
import { Cast } from './cast.js';
import { CastLike } from './cast-like.js';
import { Ceil } from './ceil.js';
import { Celu } from './celu.js';
import { Clip } from './clip.js';
import { Concat } from './concat.js';
import { Constant } from './constant.js';
import { ConstantOfShape } from './constant-of-shape.js';
import { Conv } from './conv.js';
import { ConvTranspose } from './conv-transpose.js';
import { CumSum } from './cum-sum.js';
import { DepthToSpace } from './depth-to-space.js';
import { Div } from './div.js';
import { Dropout } from './dropout.js';
import { Elu } from './elu.js';
import { Equal } from './equal.js';
import { Erf } from './erf.js';
import { Exp } from './exp.js';
import { Expand } from './expand.js';
import { Flatten } from './flatten.js';
import { Floor } from './floor.js';
import { Gather } from './gather.js';
import { Gelu } from './gelu.js';
import { Gemm } from './gemm.js';
import { GlobalAveragePool } from './global-average-pool.js';
import { GlobalLpPool } from './global-lp-pool.js';
import { GlobalMaxPool } from './global-max-pool.js';
import { Greater } from './greater.js';
import { GreaterOrEqual } from './greater-or-equal.js';
import { GroupNormalization } from './group-normalization.js';
import { HardSigmoid } from './hard-sigmoid.js';
import { HardSwish } from './hard-swish.js';
import { Identity } from './identity.js';
import { InstanceNormalization } from './instance-normalization.js';
import { LayerNormalization } from './layer-normalization.js';
import { LeakyRelu } from './leaky-relu.js';
import { Less } from './less.js';
import { LessOrEqual } from './less-or-equal.js';
import { Log } from './log.js';
import { LogSoftmax } from './log-softmax.js';
import { LpNormalization } from './lp-normalization.js';
import { LpPool } from './lp-pool.js';
import { LRN } from './lrn.js';
import { MatMul } from './mat-mul.js';
import { Max } from './max.js';
import { MaxPool } from './max-pool.js';
import { Mean } from './mean.js';
import { MeanVarianceNormalization } from './mean-variance-normalization.js';
import { Min } from './min.js';
import { Mish } from './mish.js';
import { Mod } from './mod.js';
import { Mul } from './mul.js';
import { Neg } from './neg.js';
import { Not } from './not.js';
import { Or } from './or.js';
import { Pad } from './pad.js';
import { Pow } from './pow.js';
import { PRelu } from './prelu.js';
import { Range } from './range.js';
import { Reciprocal } from './reciprocal.js';
import { ReduceL1 } from './reduce-l1.js';
import { ReduceL2 } from './reduce-l2.js';
import { ReduceLogSum } from './reduce-log-sum.js';
import { ReduceLogSumExp } from './reduce-log-sum-exp.js';
import { ReduceMax } from './reduce-max.js';
import { ReduceMean } from './reduce-mean.js';
import { ReduceMin } from './reduce-min.js';
import { ReduceProd } from './reduce-prod.js';
import { ReduceSum } from './reduce-sum.js';
import { ReduceSumSquare } from './reduce-sum-square.js';
import { Relu } from './relu.js';
import { Reshape } from './reshape.js';
import { Resize } from './resize.js';
import { RMSNormalization } from './rms-normalization.js';
import { Round } from './round.js';
import { Selu } from './selu.js';
import { Shape as ShapeOp } from './shape.js';
import { Shrink } from './shrink.js';
import { Sigmoid } from './sigmoid.js';
import { Sign } from './sign.js';
import { Size } from './size.js';
import { Slice } from './slice.js';
import { Softmax } from './softmax.js';
import { Softplus } from './softplus.js';
import { Softsign } from './softsign.js';
import { SpaceToDepth } from './space-to-depth.js';
import { Split } from './split.js';
import { Sqrt } from './sqrt.js';
import { Squeeze } from './squeeze.js';
import { Sub } from './sub.js';
import { Sum } from './sum.js';
import { Swish } from './swish.js';
import { Tanh } from './tanh.js';
import { ThresholdedRelu } from './thresholded-relu.js';
import { Tile } from './tile.js';
import { Transpose } from './transpose.js';
import { Unsqueeze } from './unsqueeze.js';
import { Upsample } from './upsample.js';
import { Where } from './where.js';

/** The registry, by name. */
export const OPERATORS: readonly OpDefinition[] = [
  Abs,
  Add,
  And,
  ArgMax,
  ArgMin,
  AveragePool,
  BatchNormalization,
  Cast,
  CastLike,
  Ceil,
  Celu,
  Clip,
  Concat,
  Constant,
  ConstantOfShape,
  Conv,
  ConvTranspose,
  CumSum,
  DepthToSpace,
  Div,
  Dropout,
  Elu,
  Equal,
  Erf,
  Exp,
  Expand,
  Flatten,
  Floor,
  Gather,
  Gelu,
  Gemm,
  GlobalAveragePool,
  GlobalLpPool,
  GlobalMaxPool,
  Greater,
  GreaterOrEqual,
  GroupNormalization,
  HardSigmoid,
  HardSwish,
  Identity,
  InstanceNormalization,
  LRN,
  LayerNormalization,
  LeakyRelu,
  Less,
  LessOrEqual,
  Log,
  LogSoftmax,
  LpNormalization,
  LpPool,
  MatMul,
  Max,
  MaxPool,
  Mean,
  MeanVarianceNormalization,
  Min,
  Mish,
  Mod,
  Mul,
  Neg,
  Not,
  Or,
  PRelu,
  Pad,
  Pow,
  RMSNormalization,
  Range,
  Reciprocal,
  ReduceL1,
  ReduceL2,
  ReduceLogSum,
  ReduceLogSumExp,
  ReduceMax,
  ReduceMean,
  ReduceMin,
  ReduceProd,
  ReduceSum,
  ReduceSumSquare,
  Relu,
  Reshape,
  Resize,
  Round,
  Selu,
  ShapeOp,
  Shrink,
  Sigmoid,
  Sign,
  Size,
  Slice,
  Softmax,
  Softplus,
  Softsign,
  SpaceToDepth,
  Split,
  Sqrt,
  Squeeze,
  Sub,
  Sum,
  Swish,
  Tanh,
  ThresholdedRelu,
  Tile,
  Transpose,
  Unsqueeze,
  Upsample,
  Where,
];

/** The opsets whose operators are known here, least and most. */
export const SUPPORTED_OPSETS: readonly [number, number] = [7, 26];

const REGISTRY = new Map(OPERATORS.map((definition) => [definition.opType, definition]));

/** The operator of the default domain with a version of at most `opset`; undefined where there is none. */
export function findOperator(node: Pick<Node, 'domain' | 'opType'>, opset: number): OpDefinition | undefined {
  const definition = node.domain === '' ? REGISTRY.get(node.opType) : undefined;
  if (definition === undefined || opset >= definition.before) return undefined;
  return definition.since.some((version) => version <= opset) ? definition : undefined;
}

/**
 * Operators this tool lacks, with how often each occurs: '<domain>.<type>' outside the default domain. Give it a graph
 * without dead nodes, for those do not matter.
 */
export function unsupportedOperators(graph: Graph, opset: number): Map<string, number> {
  const counts = new Map<string, number>();
  for (const node of graph.nodes) {
    if (findOperator(node, opset)) continue;
    const name = node.domain === '' ? node.opType : `${node.domain}.${node.opType}`;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return counts;
}
