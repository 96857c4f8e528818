/**
 * Moves the network into onnxruntime's blocked layout (layout.ts): convolutions, their gradients, and everything between
 * two of them. Each operator here takes the blocked form of its operands and offers a plain copy of its result;
 * a copy that only other blocked operators read is never made, and what has no blocked form reads the copy.
 *
 * Rules: convolution.ts, input-gradient.ts, filter-gradient.ts, elementwise.ts, pool.ts, reduction.ts.
 */
import type { Graph } from '../graph.js';
import { ELEMENTWISE } from '../passes/elementwise.js';
import { follows, orderOf, rewrite, usersOf } from '../rewrite.js';
import { blockConvolution } from './convolution.js';
import { blockElementwise } from './elementwise.js';
import { blockFilterGradient } from './filter-gradient.js';
import { blockInputGradient } from './input-gradient.js';
import { BlockedLayout } from './layout.js';
import { blockMaxUnpool, blockPool } from './pool.js';
import { blockConcat, blockReduction, blockSlice } from './reduction.js';

/** @param block channels per block, as this machine's onnxruntime has them */
export function blockedLayout(graph: Graph, block: number): Graph {
  const users = usersOf(graph);
  const outputs = new Set(graph.outputs.values());
  const order = orderOf(graph);
  return rewrite(graph, (node, inputs, target) => {
    const layout = new BlockedLayout(target, block);
    const readOnce = (position: number): boolean => {
      const value = node.inputs[position];
      return users.get(value)?.length === 1 && !outputs.has(value);
    };
    const readLast = (position: number): boolean => {
      const value = node.inputs[position];
      const others = users.get(value)!.filter((user) => user !== node);
      const needed = node.inputs.filter((input) => input !== value);
      return (
        !outputs.has(value) && others.every((user) => needed.some((input) => follows(input, user, order)))
      );
    };
    switch (node.op) {
      case 'Conv':
        return blockConvolution(node.attributes, inputs, node.outputs[0].shape, layout);
      case 'ConvTranspose':
        return blockInputGradient(node.attributes, inputs, node.outputs[0].shape, layout);
      case 'ConvFilterGradient':
        return blockFilterGradient(node.attributes, inputs, layout);
      case 'ReduceMean':
      case 'ReduceSum':
        return blockReduction(node, inputs[0], layout, readOnce(0));
      case 'MaxPool':
      case 'AveragePool':
        return blockPool(node, inputs[0], layout);
      case 'MaxUnpool':
        return blockMaxUnpool(node, inputs, layout);
      case 'Concat':
        return blockConcat(node, inputs, layout);
      case 'Slice':
        return blockSlice(node, inputs[0], layout);
      default:
        return ELEMENTWISE.has(node.op)
          ? blockElementwise(node, inputs, layout, readOnce, readLast)
          : undefined;
    }
  });
}
