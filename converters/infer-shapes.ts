import { DfkdError } from './errors.js';
import type { DataType, Graph, Node, Tensor } from './model.js';
import type { OpContext, OpDefinition, ParsedAttributes, Shape } from './ops/define-op.js';
import { findOperator } from './ops/index.js';
import { parseAttributes } from './ops/parse-attributes.js';
import { isFloating } from './ops/support/constants.js';
import { sizeOf } from './ops/support/shapes.js';

/** Results of folding larger than this stay computed: shape arithmetic is small, what is not is data. */
const MAX_FOLDED_ELEMENTS = 2 ** 16;

/** Of all results of one graph together: a thousand times what shape arithmetic takes, and seconds of work. */
const MAX_FOLDED_IN_ALL = 2 ** 23;

/** What is known of a graph for given input shapes. Values that follow an unknown operator are missing. */
export interface Inference {
  readonly shapes: ReadonlyMap<string, Shape>;
  /** Element types by value name, undefined where they are not known. */
  readonly types: ReadonlyMap<string, DataType | undefined>;
  /** Every constant by value name: initializers and what nodes compute from them and from shapes. */
  readonly constants: ReadonlyMap<string, Tensor>;
  /** Nodes with a known operator and known input shapes. */
  readonly operations: ReadonlyMap<Node, Operation>;
}

export interface Operation {
  readonly definition: OpDefinition;
  readonly attributes: ParsedAttributes;
  readonly context: OpContext;
}

/**
 * Shapes of all values for static input shapes.
 * @param inputShapes by input name
 * @throws DfkdError E_SHAPE, E_ATTR, E_UNSUPPORTED or E_LIMIT, naming the node
 */
export function inferShapes(
  graph: Graph,
  opset: number,
  inputShapes: ReadonlyMap<string, Shape>,
): ReadonlyMap<string, Shape> {
  return inferGraph(graph, opset, inputShapes).shapes;
}

/**
 * Walks the nodes in order, inferring shapes and evaluating constants.
 *
 * Rule of folding: a node whose inputs are all constant is evaluated, unless it would compute floats from a stored
 * float tensor of more than one element. Such a tensor may be a weight, which training changes under its own name;
 * what derives from it (its Transpose, say) stays a computation.
 */
export function inferGraph(graph: Graph, opset: number, inputShapes: ReadonlyMap<string, Shape>): Inference {
  const walk = new Walk(opset);
  for (const [name, tensor] of graph.initializers) walk.addStored(name, tensor);
  for (const [name, shape] of inputShapes) {
    sizeOf(shape);
    walk.shapes.set(name, shape);
  }
  for (const { name, type } of graph.inputs) walk.types.set(name, type);
  for (const node of graph.nodes)
    naming(node, () => {
      walk.visit(node);
    });
  return walk;
}

/** Errors of operators do not know which node they are in. */
export function naming<T>(node: Node, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof DfkdError)) throw error;
    throw new DfkdError(error.code, `${node.opType} '${node.label}': ${error.message}`, { cause: error });
  }
}

class Walk implements Inference {
  readonly shapes = new Map<string, Shape>();
  readonly constants = new Map<string, Tensor>();
  readonly operations = new Map<Node, Operation>();
  readonly types = new Map<string, DataType | undefined>();
  /** Constants that may be weights. */
  readonly #weights = new Set<string>();
  readonly #opset: number;
  #folded = 0;

  constructor(opset: number) {
    this.#opset = opset;
  }

  addStored(name: string, tensor: Tensor): void {
    this.#addConstant(name, tensor);
    if (isFloating(tensor.type) && tensor.dims.some((dim) => dim > 1)) this.#weights.add(name);
  }

  #addConstant(name: string, tensor: Tensor): void {
    this.constants.set(name, tensor);
    this.shapes.set(name, tensor.dims);
    this.types.set(name, tensor.type);
  }

  visit(node: Node): void {
    const definition = findOperator(node, this.#opset);
    const known = node.inputs.every((name) => name === '' || this.shapes.has(name));
    if (definition === undefined || !known) return;
    checkArity(definition, node);
    const attributes = parseAttributes(definition, node, this.#opset);
    const inputs = node.inputs.map((name) => this.shapes.get(name) ?? []);
    const constants = node.inputs.map((name) => this.constants.get(name));
    checkConstantInputs(definition, node, constants);

    const outputCount = node.outputs.findLastIndex((name) => name !== '') + 1;
    const types = node.inputs.map((name) => this.types.get(name));
    const partial = { opset: this.#opset, constants, types, outputCount };
    const outputShapes = definition.shape(inputs, attributes, partial);
    outputShapes.forEach(sizeOf);
    const operation = { definition, attributes, context: { ...partial, outputShapes } };
    this.operations.set(node, operation);
    const type = definition.type ? definition.type(attributes, partial) : types[0];
    node.outputs.forEach((name, i) => {
      if (name === '' || i >= outputShapes.length) return;
      this.shapes.set(name, outputShapes[i]);
      this.types.set(name, type);
    });
    this.#fold(node, operation, inputs);
  }

  #fold(node: Node, { definition, attributes, context }: Operation, inputs: readonly Shape[]): void {
    const results =
      definition.foldShapes?.(inputs, attributes) ?? this.#evaluate(node, definition, attributes, context);
    // A Constant stores a tensor as an initializer does.
    const stored = definition.opType === 'Constant';
    results?.forEach((tensor, i) => {
      if (stored) this.addStored(node.outputs[i], tensor);
      else if (node.outputs[i]) this.#addConstant(node.outputs[i], tensor);
    });
  }

  #evaluate(
    node: Node,
    definition: OpDefinition,
    attributes: ParsedAttributes,
    context: OpContext,
  ): readonly Tensor[] | undefined {
    const constant = node.inputs.every(
      (name, i) => name === '' || definition.typeInputs.includes(i) || this.constants.has(name),
    );
    if (!constant || !definition.fold) return undefined;
    const sizes = context.outputShapes.map(sizeOf);
    const isComputed = definition.opType !== 'Constant';
    if (isComputed && sizes.some((size) => size > MAX_FOLDED_ELEMENTS)) return undefined;
    const weighs = node.inputs.some((name) => this.#weights.has(name));
    const type = this.types.get(node.outputs.find((name) => name !== '') ?? '');
    if (weighs && type !== undefined && isFloating(type)) return undefined;
    if (isComputed) this.#count(sizes);
    const results = definition.fold(context.constants, attributes, context);
    return weighs && results?.some(({ type }) => isFloating(type)) ? undefined : results;
  }

  #count(sizes: readonly number[]): void {
    for (const size of sizes) this.#folded += size;
    if (this.#folded <= MAX_FOLDED_IN_ALL) return;
    throw new DfkdError(
      'E_LIMIT',
      `its model computes more than ${MAX_FOLDED_IN_ALL} elements from constants.`,
    );
  }
}

function checkArity(definition: OpDefinition, { inputs, outputs }: Node): void {
  const [least, most] = definition.inputs;
  const missing = inputs.slice(0, least).includes('');
  if (inputs.length < least || inputs.length > most || missing) {
    throw new DfkdError(
      'E_MODEL',
      `it has ${inputs.length} inputs, but takes ${rangeOf(definition.inputs)}.`,
    );
  }
  if (outputs.length < definition.outputs[0] || outputs.length > definition.outputs[1]) {
    throw new DfkdError(
      'E_MODEL',
      `it has ${outputs.length} outputs, but gives ${rangeOf(definition.outputs)}.`,
    );
  }
}

function rangeOf([least, most]: readonly [number, number]): string {
  if (most === Infinity) return `at least ${least}`;
  return least === most ? String(least) : `${least} to ${most}`;
}

function checkConstantInputs(
  { constantInputs }: OpDefinition,
  { inputs }: Node,
  constants: readonly (Tensor | undefined)[],
): void {
  const computed = constantInputs.find((position) => inputs[position] && !constants[position]);
  if (computed !== undefined) {
    throw new DfkdError(
      'E_UNSUPPORTED',
      `its input '${inputs[computed]}' is computed from the images; it must be constant.`,
    );
  }
}
