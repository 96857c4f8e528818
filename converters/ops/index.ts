import type { Graph, Node } from '../model.js';
import type { OpDefinition } from './define-op.js';
import { Abs } from './abs.js';
import { Add } from './add.js';
import { And } from './and.js';
import { AveragePool } from './average-pool.js';
import { BatchNormalization } from './batch-normalization.js';
import { Cast } from './cast.js';
import { CastLike } from './cast-like.js';
import { Ceil } from './ceil.js';
import { Clip } from './clip.js';
import { Concat } from './concat.js';
import { Constant } from './constant.js';
import { ConstantOfShape } from './constant-of-shape.js';
import { Conv } from './conv.js';
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
import { GlobalMaxPool } from './global-max-pool.js';
import { Greater } from './greater.js';
import { GreaterOrEqual } from './greater-or-equal.js';
import { HardSigmoid } from './hard-sigmoid.js';
import { HardSwish } from './hard-swish.js';
import { Identity } from './identity.js';
import { LeakyRelu } from './leaky-relu.js';
import { Less } from './less.js';
import { LessOrEqual } from './less-or-equal.js';
import { Log } from './log.js';
import { LogSoftmax } from './log-softmax.js';
import { MatMul } from './mat-mul.js';
import { Max } from './max.js';
import { MaxPool } from './max-pool.js';
import { Min } from './min.js';
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
import { ReduceMax } from './reduce-max.js';
import { ReduceMean } from './reduce-mean.js';
import { ReduceMin } from './reduce-min.js';
import { ReduceProd } from './reduce-prod.js';
import { ReduceSum } from './reduce-sum.js';
import { Relu } from './relu.js';
import { Reshape } from './reshape.js';
import { Shape as ShapeOp } from './shape.js';
import { Sigmoid } from './sigmoid.js';
import { Sign } from './sign.js';
import { Size } from './size.js';
import { Slice } from './slice.js';
import { Softmax } from './softmax.js';
import { Softplus } from './softplus.js';
import { Split } from './split.js';
import { Sqrt } from './sqrt.js';
import { Squeeze } from './squeeze.js';
import { Sub } from './sub.js';
import { Sum } from './sum.js';
import { Tanh } from './tanh.js';
import { Tile } from './tile.js';
import { Transpose } from './transpose.js';
import { Unsqueeze } from './unsqueeze.js';
import { Where } from './where.js';

/** The registry, by name. */
export const OPERATORS: readonly OpDefinition[] = [
  Abs,
  Add,
  And,
  AveragePool,
  BatchNormalization,
  Cast,
  CastLike,
  Ceil,
  Clip,
  Concat,
  Constant,
  ConstantOfShape,
  Conv,
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
  GlobalMaxPool,
  Greater,
  GreaterOrEqual,
  HardSigmoid,
  HardSwish,
  Identity,
  LeakyRelu,
  Less,
  LessOrEqual,
  Log,
  LogSoftmax,
  MatMul,
  Max,
  MaxPool,
  Min,
  Mod,
  Mul,
  Neg,
  Not,
  Or,
  PRelu,
  Pad,
  Pow,
  Range,
  Reciprocal,
  ReduceMax,
  ReduceMean,
  ReduceMin,
  ReduceProd,
  ReduceSum,
  Relu,
  Reshape,
  ShapeOp,
  Sigmoid,
  Sign,
  Size,
  Slice,
  Softmax,
  Softplus,
  Split,
  Sqrt,
  Squeeze,
  Sub,
  Sum,
  Tanh,
  Tile,
  Transpose,
  Unsqueeze,
  Where,
];

/** The opsets whose operators are known here, least and most. */
export const SUPPORTED_OPSETS: readonly [number, number] = [7, 26];

const REGISTRY = new Map(OPERATORS.map((definition) => [definition.opType, definition]));

/** The operator of the default domain with a version of at most `opset`; undefined where there is none. */
export function findOperator(node: Pick<Node, 'domain' | 'opType'>, opset: number): OpDefinition | undefined {
  const definition = node.domain === '' ? REGISTRY.get(node.opType) : undefined;
  return definition?.since.some((version) => version <= opset) ? definition : undefined;
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
