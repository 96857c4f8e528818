import type { Attribute, Graph, Model, Node, Tensor } from '../model.js';
import { inlineFunctions } from './inline-functions.js';

/** Statistics of a value [batch, channels, ...], [channels] each. */
export interface ChannelStatistics {
  readonly mean: Float32Array;
  readonly variance: Float32Array;
}

const EPSILON = 1e-5;

/**
 * The model with a BatchNormalization after the node of each of these values, under the value's name, which changes
 * nothing: it normalises by the given statistics, and its scale and offset undo that. For use in memory alone.
 * @param statistics by the name of the value, the first output of its node
 */
export function insertBatchNorms(model: Model, statistics: ReadonlyMap<string, ChannelStatistics>): Model {
  const graph = inlineFunctions(model);
  const initializers = new Map(graph.initializers);
  const taken = namesOf(graph);
  const rename = (name: string): string => {
    const free = taken.has(name) ? rename(`${name}'`) : name;
    taken.add(free);
    return free;
  };
  const nodes = graph.nodes.flatMap((node): Node[] => {
    const [value, ...others] = node.outputs;
    const measured = statistics.get(value);
    if (measured === undefined) return [node];
    const store = (what: string, data: Float32Array): string => {
      const name = rename(`${value}/${what}`);
      const tensor: Tensor = { type: 'float', dims: [data.length], data };
      initializers.set(name, tensor);
      return name;
    };
    const { mean, variance } = measured;
    const before = rename(`${value}/before batch norm`);
    const scale = variance.map((x) => Math.sqrt(x + EPSILON));
    const norm: Node = {
      label: `${node.label}/batch norm`,
      opType: 'BatchNormalization',
      domain: '',
      inputs: [
        before,
        store('scale', scale),
        store('offset', mean),
        store('mean', mean),
        store('variance', variance),
      ],
      outputs: [value],
      attributes: new Map<string, Attribute>([['epsilon', { kind: 'float', value: EPSILON }]]),
    };
    return [{ ...node, outputs: [before, ...others] }, norm];
  });
  return { ...model, functions: [], graph: { ...graph, nodes, initializers } };
}

function namesOf({ nodes, initializers, inputs }: Graph): Set<string> {
  const values = nodes.flatMap(({ outputs }) => outputs);
  return new Set([...values, ...initializers.keys(), ...inputs.map(({ name }) => name)]);
}
