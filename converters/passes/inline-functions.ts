import { DfkdError } from '../errors.js';
import type { Attribute, Graph, Model, ModelFunction, Node, Tensor } from '../model.js';
import { toConstant } from '../read-node.js';
import { sortNodes } from '../sort-nodes.js';

/** Functions that call others twice each grow exponentially. */
const MAX_NODES = 100_000;
const MAX_DEPTH = 100;
/** Names grow with the depth of the calls. */
const MAX_NAME_CHARACTERS = 2 ** 26;

/**
 * The graph with every call of a model-local function replaced by the function's nodes
 * (https://github.com/onnx/onnx/blob/main/docs/IR.md#model-local-functions):
 * 1. inner values are named `<first output of the call>/<inner name>`, with a number where a call inside a call yields
 *    the same output; inputs and outputs have the caller's names;
 * 2. an omitted input of the call is an omitted input of its readers;
 * 3. attribute references take the caller's value, else the function's default, else they are left out;
 * 4. calls inside functions are replaced in turn.
 */
export function inlineFunctions(model: Model): Graph {
  const functions = indexFunctions(model);
  const isCall = (node: Node) => functions.has(keyOf(node.domain, node.opType));
  if (!model.graph.nodes.some(isCall)) return model.graph;

  const nodes: Node[] = [];
  const prefixOf = createPrefixes();
  let calls = 0;
  let characters = 0;
  const expand = (node: Node, active: readonly ModelFunction[]): void => {
    const called = functions.get(keyOf(node.domain, node.opType));
    if (!called) {
      nodes.push(node);
      return;
    }
    checkCall(called, active, model.opset);
    const prefix = prefixOf(node);
    // Before the nodes are made: what a bomb grows is the number of calls, of nodes, or the length of names.
    calls++;
    characters += called.nodes.length * (prefix.length + node.label.length);
    if (calls + nodes.length + called.nodes.length > MAX_NODES || characters > MAX_NAME_CHARACTERS) {
      throw new DfkdError('E_LIMIT', `The model's functions stand for more than ${MAX_NODES} nodes.`);
    }
    for (const inner of instantiate(called, node, prefix)) expand(inner, [...active, called]);
  };
  for (const node of model.graph.nodes) expand(node, []);
  const { inputs, initializers } = model.graph;
  const known = new Set([...storedNames(model), ...inputs.map(({ name }) => name)]);
  // Already sorted: this asserts that no inner name meets one of the graph.
  return { ...model.graph, nodes: sortNodes(nodes, known), initializers: addConstants(initializers, nodes) };
}

/** Initializers proper, without the values of Constant nodes, which are produced by their node. */
function storedNames({ graph }: Model): string[] {
  const produced = new Set(graph.nodes.flatMap(({ outputs }) => outputs));
  return [...graph.initializers.keys()].filter((name) => !produced.has(name));
}

function keyOf(domain: string, name: string): string {
  return JSON.stringify([domain, name]);
}

function indexFunctions(model: Model): Map<string, ModelFunction> {
  const functions = new Map<string, ModelFunction>();
  for (const body of model.functions) {
    const key = keyOf(body.domain, body.name);
    if (functions.has(key)) {
      throw new DfkdError('E_UNSUPPORTED', `Function '${body.name}' has overloads, which are not supported.`);
    }
    functions.set(key, body);
  }
  return functions;
}

function checkCall(called: ModelFunction, active: readonly ModelFunction[], opset: number): void {
  if (active.includes(called)) throw new DfkdError('E_MODEL', `Function '${called.name}' calls itself.`);
  if (active.length >= MAX_DEPTH) {
    throw new DfkdError('E_LIMIT', `The model's functions call one another more than ${MAX_DEPTH} deep.`);
  }
  if (called.opset !== undefined && called.opset !== opset) {
    throw new DfkdError(
      'E_UNSUPPORTED',
      `Function '${called.name}' uses opset ${called.opset} in a model of opset ${opset}, which is not supported.`,
    );
  }
}

/** A name for each call that no other call has. */
function createPrefixes(): (call: Node) => string {
  const counts = new Map<string, number>();
  return (call) => {
    const output = call.outputs.find((name) => name !== '') ?? call.label;
    const count = counts.get(output) ?? 0;
    counts.set(output, count + 1);
    return count === 0 ? output : `${output}#${count}`;
  };
}

function instantiate(called: ModelFunction, call: Node, prefix: string): Node[] {
  const names = new Map<string, string>([['', '']]);
  called.inputs.forEach((name, i) => names.set(name, call.inputs[i] ?? ''));
  called.outputs.forEach((name, i) => {
    // An output that is an input as well keeps the input's name inside; nothing of that kind can be renamed.
    if (names.has(name)) {
      throw new DfkdError('E_UNSUPPORTED', `Function '${called.name}' returns its input '${name}' as it is.`);
    }
    if (call.outputs[i]) names.set(name, call.outputs[i]);
  });
  const rename = (name: string) => names.get(name) ?? `${prefix}/${name}`;
  return called.nodes.map((node) => ({
    ...node,
    label: `${call.label}/${node.label}`,
    inputs: node.inputs.map(rename),
    outputs: node.outputs.map(rename),
    attributes: bindAttributes(node.attributes, called.defaults, call.attributes),
  }));
}

function bindAttributes(
  attributes: ReadonlyMap<string, Attribute>,
  defaults: ReadonlyMap<string, Attribute>,
  given: ReadonlyMap<string, Attribute>,
): Map<string, Attribute> {
  const bound = new Map<string, Attribute>();
  for (const [name, attribute] of attributes) {
    const value =
      attribute.kind === 'reference'
        ? (given.get(attribute.value) ?? defaults.get(attribute.value))
        : attribute;
    if (value) bound.set(name, value);
  }
  return bound;
}

function addConstants(
  initializers: ReadonlyMap<string, Tensor>,
  nodes: readonly Node[],
): ReadonlyMap<string, Tensor> {
  const all = new Map(initializers);
  for (const node of nodes) {
    const value = node.opType === 'Constant' && node.domain === '' ? toConstant(node) : undefined;
    if (value) all.set(node.outputs[0], value);
  }
  return all;
}
