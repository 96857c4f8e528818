/** Element-wise kernels, one ONNX node each where ONNX has the operator. */
import type { Graph } from '../graph.js';
import type { ElementType, Value } from '../value.js';
import type { KernelTable, RecordKernel } from './kernel.js';

const binary =
  (op: string, type?: ElementType): RecordKernel =>
  (graph, { a, b }) =>
    graph.elementwise(op, [a, b], type ?? a.type);

const unary =
  (op: string, type?: ElementType): RecordKernel =>
  (graph, { x }) =>
    graph.elementwise(op, [x], type ?? x.type);

/** Conversion between element types; to bool as tfjs does it: everything but zero is true. */
export function cast(graph: Graph, x: Value, type: ElementType): Value {
  return x.type === type ? x : graph.elementwise('Cast', [x], type);
}

const clip = (graph: Graph, x: Value, min: number, max: number): Value =>
  graph.elementwise('Clip', [x], 'float32', { min, max });

export const elementwise: KernelTable = {
  Add: binary('Add'),
  AddN: (graph, inputs) => Object.values(inputs).reduce((sum, x) => graph.elementwise('Add', [sum, x])),
  Sub: binary('Sub'),
  Multiply: binary('Mul'),
  RealDiv: binary('Div'),
  Maximum: binary('Max'),
  Minimum: binary('Min'),
  Pow: binary('Pow'),
  SquaredDifference: (graph, { a, b }) => {
    const difference = graph.elementwise('Sub', [a, b]);
    return graph.elementwise('Mul', [difference, difference]);
  },
  Equal: binary('Equal', 'bool'),
  NotEqual: (graph, { a, b }) =>
    graph.elementwise('Not', [graph.elementwise('Equal', [a, b], 'bool')], 'bool'),
  Greater: binary('Greater', 'bool'),
  GreaterEqual: binary('GreaterOrEqual', 'bool'),
  Less: binary('Less', 'bool'),
  LessEqual: binary('LessOrEqual', 'bool'),
  LogicalAnd: binary('And', 'bool'),
  LogicalOr: binary('Or', 'bool'),
  LogicalNot: unary('Not', 'bool'),

  Abs: unary('Abs'),
  Ceil: unary('Ceil'),
  Elu: unary('Elu'),
  // elu'(x) from y = elu(x): 1 where y >= 0, else y + 1.
  EluGrad: (graph, { dy, y }) => {
    const slope = graph.elementwise('Add', [graph.elementwise('Min', [y, graph.scalar(0)]), graph.scalar(1)]);
    return graph.elementwise('Mul', [dy, slope]);
  },
  Erf: unary('Erf'),
  Exp: unary('Exp'),
  Floor: unary('Floor'),
  Log: unary('Log'),
  Log1p: (graph, { x }) => graph.elementwise('Log', [graph.elementwise('Add', [x, graph.scalar(1)])]),
  LeakyRelu: (graph, { x }, { alpha }) =>
    graph.elementwise('LeakyRelu', [x], 'float32', { alpha: alpha as number }),
  Neg: unary('Neg'),
  Reciprocal: unary('Reciprocal'),
  Relu: unary('Relu'),
  Relu6: (graph, { x }) => clip(graph, x, 0, 6),
  Round: unary('Round'),
  Rsqrt: (graph, { x }) => graph.elementwise('Reciprocal', [graph.elementwise('Sqrt', [x])]),
  Sigmoid: unary('Sigmoid'),
  Sign: unary('Sign'),
  Softplus: unary('Softplus'),
  Sqrt: unary('Sqrt'),
  Square: (graph, { x }) => graph.elementwise('Mul', [x, x]),
  Tanh: unary('Tanh'),

  ClipByValue: (graph, { x }, { clipValueMin, clipValueMax }) =>
    clip(graph, x, clipValueMin as number, clipValueMax as number),
  // step(x) = 1 where x > 0, else alpha; only tfjs' default alpha 0 occurs in gradients.
  Step: (graph, { x }, { alpha }) => {
    const positive = graph.elementwise('Greater', [x, graph.scalar(0)], 'bool');
    return graph.elementwise('Where', [
      positive,
      graph.scalar(1),
      graph.scalar((alpha as number | undefined) ?? 0),
    ]);
  },
  Select: (graph, { condition, t, e }) => graph.elementwise('Where', [condition, t, e], t.type),
  Cast: (graph, { x }, { dtype }) => cast(graph, x, dtype as ElementType),
  Identity: (_, { x }) => x,
  OnesLike: (graph, { x }) => graph.expand(graph.scalar(1), x.shape),
  ZerosLike: (graph, { x }) => graph.expand(graph.scalar(0), x.shape),
  Fill: (graph, _, { shape, value }) => graph.expand(graph.scalar(value as number), shape as number[]),
};
