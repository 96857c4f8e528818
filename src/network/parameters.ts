import { DfkdError } from '../../converters/errors.js';
import type { Operation } from '../../converters/infer-shapes.js';
import type { Graph, Node, Tensor } from '../../converters/model.js';
import { isFloating } from '../../converters/ops/support/constants.js';
import type { Parameter, ParameterRole } from './network.js';

/** The parameters of a graph, and which of them each node input reads: by node, then by input position. */
export interface Parameters {
  readonly parameters: ReadonlyMap<string, Parameter>;
  readonly reads: ReadonlyMap<Node, ReadonlyMap<number, string>>;
}

interface Use {
  readonly node: Node;
  readonly position: number;
  readonly role: ParameterRole;
}

/** Operators that only move elements: what enters has the role of what they yield. */
const MOVES = new Set(['Identity', 'Transpose', 'Reshape', 'Flatten', 'Squeeze', 'Unsqueeze', 'Cast']);

/** Of the inputs of normalisations; only batch norm has the last two. */
const NORM_ROLES: readonly ParameterRole[] = ['other', 'scale', 'offset', 'mean', 'variance'];

/**
 * Every float initializer that enters a computation, with its role there. Single elements without a role (the 6 of a
 * ReLU6, an exponent) are constants.
 * @param graph folded, without dead nodes
 * @param stored the constants of the file; what folding added to them is not the file's to train
 */
export function findParameters(
  graph: Graph,
  operations: ReadonlyMap<Node, Operation>,
  stored: ReadonlyMap<string, Tensor>,
): Parameters {
  const parameters = new Map<string, Parameter>();
  const reads = new Map<Node, Map<number, string>>();
  const taken = new Set(graph.initializers.keys());
  for (const [source, uses] of findUses(graph, operations, stored)) {
    const tensor = graph.initializers.get(source)!;
    const groups = mayShare(uses) ? [uses] : uses.map((use) => [use]);
    groups.forEach((group, i) => {
      const name = i === 0 ? source : nameApart(source, group[0].node, taken);
      parameters.set(name, {
        name,
        type: tensor.type,
        dims: tensor.dims,
        data: elementsOf(source, tensor),
        role: group[0].role,
        source,
        consumers: group.map(({ node, position }) => ({
          node: node.label,
          output: node.outputs[0],
          input: position,
        })),
      });
      for (const { node, position } of group) {
        const ofNode = reads.get(node) ?? new Map<number, string>();
        reads.set(node, ofNode.set(position, name));
      }
    });
  }
  return { parameters, reads };
}

/** The parameter that a node reads at a position, also through a Cast; undefined where that value is computed. */
export function findRead(graph: Graph, found: Parameters, node: Node, position: number): string | undefined {
  const read = found.reads.get(node)?.get(position);
  if (read !== undefined) return read;
  const cast = graph.nodes.find(
    ({ opType, outputs }) => opType === 'Cast' && outputs[0] === node.inputs[position],
  );
  return cast && findRead(graph, found, cast, 0);
}

/** Exporters merge equal initializers. Only a tensor that is the same thing everywhere can be trained as one. */
function mayShare(uses: readonly Use[]): boolean {
  const roles = new Set(uses.map(({ role }) => role));
  return uses.length === 1 || (roles.size === 1 && (roles.has('weight') || roles.has('other')));
}

function nameApart(source: string, node: Node, taken: Set<string>): string {
  let name = `${source}@${node.label}`;
  while (taken.has(name)) name += "'";
  taken.add(name);
  return name;
}

/** Training computes in float32, whatever the type in the file. */
function elementsOf(name: string, { data }: Tensor): Float32Array {
  // A view of a few weights would keep the whole file in memory.
  if (data instanceof Float32Array) return data.byteLength < data.buffer.byteLength ? data.slice() : data;
  const elements = Float32Array.from(data, Number);
  if (elements.every(Number.isFinite)) return elements;
  throw new DfkdError(
    'E_UNSUPPORTED',
    `Weight '${name}' holds values beyond float32, in which it is trained.`,
  );
}

/** In the order in which nodes read them. */
function findUses(
  graph: Graph,
  operations: ReadonlyMap<Node, Operation>,
  stored: ReadonlyMap<string, Tensor>,
): Map<string, Use[]> {
  const uses = new Map<string, Use[]>();
  const roleOf = roleFinder(graph);
  for (const node of graph.nodes) {
    const { constantInputs, typeInputs } = operations.get(node)!.definition;
    node.inputs.forEach((name, position) => {
      const tensor = stored.get(name);
      if (!tensor || !isFloating(tensor.type)) return;
      if (constantInputs.includes(position) || typeInputs.includes(position)) return;
      const role = roleOf(node, position);
      if (role === 'other' && tensor.data.length === 1) return;
      const ofName = uses.get(name) ?? [];
      ofName.push({ node, position, role });
      uses.set(name, ofName);
    });
  }
  return uses;
}

function roleFinder(graph: Graph): (node: Node, position: number) => ParameterRole {
  const producers = new Map<string, Node>();
  const readers = new Map<string, (readonly [Node, number])[]>();
  for (const node of graph.nodes) {
    for (const name of node.outputs) producers.set(name, node);
    node.inputs.forEach((name, position) => {
      const ofName = readers.get(name) ?? [];
      readers.set(name, ofName);
      ofName.push([node, position]);
    });
  }

  return function roleOf(node, position): ParameterRole {
    switch (node.opType) {
      case 'Conv':
      case 'ConvTranspose':
      case 'Gemm':
        return position === 2 ? 'bias' : 'weight';
      case 'MatMul':
        return 'weight';
      case 'BatchNormalization':
      case 'GroupNormalization':
      case 'InstanceNormalization':
      case 'LayerNormalization':
      case 'RMSNormalization':
        return NORM_ROLES[position];
      case 'Add':
        // A linear layer may be written as MatMul and Add.
        return producers.get(node.inputs[1 - position])?.opType === 'MatMul' ? 'bias' : 'other';
      default: {
        if (!MOVES.has(node.opType)) return 'other';
        const roles = new Set((readers.get(node.outputs[0]) ?? []).map((reader) => roleOf(...reader)));
        return roles.size === 1 ? [...roles][0] : 'other';
      }
    }
  };
}
