import type { Inference } from '../../converters/infer-shapes.js';
import type { Graph, Node } from '../../converters/model.js';
import { windowOf, type WindowAttributes } from '../../converters/ops/support/window.js';
import type { Layer } from './network.js';
import { findRead, type Parameters } from './parameters.js';

/** The layers whose weight a Conv, ConvTranspose, Gemm or MatMul reads, in graph order; a Transpose may lie between. */
export function findLayers(graph: Graph, inference: Inference, found: Parameters): Layer[] {
  return graph.nodes.flatMap((node) => {
    const weight = findWeight(graph, found, node);
    if (weight === undefined) return [];
    const use = describe(node, inference, weight.name, found);
    if (use === undefined) return [];
    const { outputAxis, inputAxis, ...rest } = use;
    const bias = findRead(graph, found, node, 2);
    const adds = node.inputs.length > 2 && node.inputs[2] !== '';
    return [
      {
        ...rest,
        weight: weight.name,
        bias,
        input: node.inputs[0],
        output: node.outputs[0],
        outputAxis: weight.transposed ? inputAxis : outputAxis,
        inputAxis: weight.transposed ? outputAxis : inputAxis,
        // A bias that is computed cannot be told from the product.
        plain: rest.plain && adds === (bias !== undefined),
      },
    ];
  });
}

/** The weight of a node, as its second input; of a matrix also through a Transpose. */
function findWeight(
  graph: Graph,
  found: Parameters,
  node: Node,
): { name: string; transposed: boolean } | undefined {
  const isWeight = (name: string | undefined): name is string =>
    name !== undefined && found.parameters.get(name)!.role === 'weight';
  const direct = findRead(graph, found, node, 1);
  if (isWeight(direct)) return { name: direct, transposed: false };
  const between = graph.nodes.find(({ outputs }) => outputs[0] === node.inputs[1]);
  if (between?.opType !== 'Transpose') return undefined;
  const name = findRead(graph, found, between, 0);
  return isWeight(name) && found.parameters.get(name)!.dims.length === 2
    ? { name, transposed: true }
    : undefined;
}

type Use = Pick<Layer, 'outputAxis' | 'inputAxis' | 'group' | 'window' | 'plain'>;

function describe(
  node: Node,
  { shapes, operations }: Inference,
  weight: string,
  { parameters }: Parameters,
): Use | undefined {
  const { dims } = parameters.get(weight)!;
  const { attributes } = operations.get(node)!;
  const matrix = { group: 1, window: undefined };
  switch (node.opType) {
    case 'Conv':
      return {
        outputAxis: 0,
        inputAxis: 1,
        group: attributes['group'] as number,
        window: windowOf(
          shapes.get(node.inputs[0])!,
          dims.slice(2),
          attributes as unknown as WindowAttributes,
        ),
        plain: true,
      };
    case 'ConvTranspose':
      return { outputAxis: 1, inputAxis: 0, ...matrix, group: attributes['group'] as number, plain: false };
    case 'Gemm': {
      const outputAxis = attributes['transB'] === 1 ? 0 : 1;
      const scaled = attributes['alpha'] !== 1 || attributes['beta'] !== 1 || attributes['transA'] === 1;
      return { outputAxis, inputAxis: 1 - outputAxis, ...matrix, plain: !scaled };
    }
    case 'MatMul':
      return dims.length === 2 ? { outputAxis: 1, inputAxis: 0, ...matrix, plain: true } : undefined;
    default:
      return undefined;
  }
}
