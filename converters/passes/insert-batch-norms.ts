import type { Attribute, Graph, Model, Node } from '../model.js';
import { inlineFunctions } from './inline-functions.js';

/** The inputs of a BatchNormalization after the first, [channels] each. */
export interface InsertedBatchNorm {
  readonly scale: Float32Array;
  readonly offset: Float32Array;
  readonly mean: Float32Array;
  readonly variance: Float32Array;
}

/** Of the inserted nodes. */
export const EPSILON = 1e-5;

/**
 * The model, its functions inlined, with BatchNormalization nodes that take over the names of values, for use in memory.
 * @param norms by the name of the value that each yields from now on, the first output of the node before it
 * @param weights new elements for some of the graph's initializers, by name
 */
export function insertBatchNorms(
  model: Model,
  norms: ReadonlyMap<string, InsertedBatchNorm>,
  weights: ReadonlyMap<string, Float32Array>,
): Model {
  const graph = inlineFunctions(model);
  const initializers = new Map(graph.initializers);
  for (const [name, data] of weights) initializers.set(name, { ...initializers.get(name)!, data });
  const freeName = createNames(graph);
  const nodes = graph.nodes.flatMap((node): Node[] => {
    const [value, ...others] = node.outputs;
    const norm = norms.get(value);
    if (norm === undefined) return [node];
    const before = freeName(`${value}/input`);
    const inputs = [norm.scale, norm.offset, norm.mean, norm.variance].map((data, i) => {
      const name = freeName(`${value}/${['scale', 'offset', 'mean', 'variance'][i]}`);
      initializers.set(name, { type: 'float', dims: [data.length], data });
      return name;
    });
    const inserted: Node = {
      label: `${node.label}/batch norm`,
      opType: 'BatchNormalization',
      domain: '',
      inputs: [before, ...inputs],
      outputs: [value],
      attributes: new Map<string, Attribute>([['epsilon', { kind: 'float', value: EPSILON }]]),
    };
    return [{ ...node, outputs: [before, ...others] }, inserted];
  });
  return { ...model, functions: [], graph: { ...graph, nodes, initializers } };
}

/** Names that nothing in the graph has. */
function createNames({ nodes, initializers, inputs }: Graph): (wanted: string) => string {
  const values = nodes.flatMap(({ outputs }) => outputs);
  const taken = new Set([...values, ...initializers.keys(), ...inputs.map(({ name }) => name)]);
  return (wanted) => {
    let name = wanted;
    while (taken.has(name)) name += "'";
    taken.add(name);
    return name;
  };
}
