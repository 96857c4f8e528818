/**
 * For providers without kernels of their own for onnxruntime's contributed operators, which would be run on the cpu,
 * their operands copied there and back.
 *
 * 1. FusedMatMul -> MatMul of the operands, transposed where it says so.
 */
import type { Graph } from '../graph.js';
import { type Visit, rewrite } from '../rewrite.js';
import type { Value } from '../value.js';

export const standardOperators = (graph: Graph): Graph => rewrite(graph, visit);

const visit: Visit = ({ op, attributes, outputs }, [a, b], target) => {
  if (op !== 'FusedMatMul') return undefined;
  const { transA, transB } = attributes;
  const operands = [transA === 1 ? transposed(target, a) : a, transB === 1 ? transposed(target, b) : b];
  return target.op('MatMul', operands, {}, outputs[0].shape);
};

/** The matrices of the last two axes. */
function transposed(graph: Graph, value: Value): Value {
  const axes = value.shape.map((_, axis) => axis);
  const [rows, columns] = axes.slice(-2);
  return graph.transpose(value, [...axes.slice(0, -2), columns, rows]);
}
