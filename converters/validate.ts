import { DfkdError } from './errors.js';
import type { Graph, Model, Tensor, ValueInfo } from './model.js';
import { isFloating } from './ops/support/constants.js';
import { dropDeadNodes } from './passes/drop-dead-nodes.js';
import { findBatchNorms, type BatchNormInfo } from './passes/find-batch-norms.js';
import { inlineFunctions } from './passes/inline-functions.js';
import { resolveIdentities } from './passes/resolve-identities.js';
import { partsOf } from './read-tensor.js';

/** Versions beyond are no versions but damage; what is supported in between is for the operators to say. */
const MAX_VERSION = 1000;

/** Of one image: 2^26 float32 values are 256 MiB. */
const MAX_INPUT_ELEMENTS = 2 ** 26;

/** Of a batch whose size the file fixes: 1 GiB. */
const MAX_BATCH_ELEMENTS = 2 ** 28;

/** Of one node; real ones have fewer than a hundred. */
const MAX_PORTS = 10_000;

/** Real classifiers have fewer than ten thousand. */
const MAX_NODES = 100_000;

/** Operators for whose constants an infinity means "no bound" or "masked". */
const TAKES_INFINITY: ReadonlySet<string> = new Set([
  'Add',
  'Clip',
  'Equal',
  'Greater',
  'GreaterOrEqual',
  'Less',
  'LessOrEqual',
  'Max',
  'Min',
  'Pad',
  'Where',
]);

/**
 * Refuses what a well-formed file may still hold and nothing can be computed with, before anything is allocated for it.
 * What decoding refuses (read.ts) and what does not fit node by node (infer-shapes.ts) is not repeated here.
 * @throws DfkdError E_MODEL (versions, names), E_LIMIT (size of the graph or its input), E_NONFINITE, E_TENSOR (negative variance)
 */
export function validateModel(model: Model): void {
  checkVersion('IR version', model.irVersion);
  checkVersion('opset', model.opset);
  model.graph.inputs.forEach(checkInputSize);
  checkNodes(model.graph);
  // Dead branches are never computed, so they may hold anything.
  const graph = dropDeadNodes(resolveIdentities(inlineFunctions(model)));
  checkFinite(graph);
  findBatchNorms(graph).forEach(checkVariance);
}

function checkVersion(what: string, version: number): void {
  if (version >= 1 && version <= MAX_VERSION) return;
  throw new DfkdError('E_MODEL', `The model declares ${what} ${version}, which does not exist.`);
}

function checkInputSize({ name, shape }: ValueInfo): void {
  const empty = (shape ?? []).findIndex((size, axis) => axis > 0 && size === 0);
  if (empty > 0) {
    throw new DfkdError('E_MODEL', `Input '${name}' has the dimension 0 at axis ${empty}.`);
  }
  const elements = (shape ?? []).reduce<number>(
    (product, size, axis) => product * (axis > 0 ? (size ?? 1) : 1),
    1,
  );
  if (elements <= MAX_INPUT_ELEMENTS && elements * (shape?.[0] ?? 1) <= MAX_BATCH_ELEMENTS) return;
  const dims = (shape ?? []).map((size) => size ?? '?').join(', ');
  throw new DfkdError(
    'E_LIMIT',
    `Input '${name}' is [${dims}]; at most ${MAX_INPUT_ELEMENTS} values per image and ${MAX_BATCH_ELEMENTS} per batch are supported.`,
  );
}

function checkNodes({ nodes }: Graph): void {
  if (nodes.length > MAX_NODES) {
    throw new DfkdError(
      'E_LIMIT',
      `The model has ${nodes.length} nodes; at most ${MAX_NODES} are supported.`,
    );
  }
  for (const { label, inputs, outputs } of nodes) {
    const cut = [...inputs, ...outputs].find((name) => name.includes('\0'));
    if (cut !== undefined) {
      // onnxruntime's interface takes C strings.
      throw new DfkdError(
        'E_MODEL',
        `Node '${label}' has the value '${cut}', whose name holds a NUL character.`,
      );
    }
    const ports = Math.max(inputs.length, outputs.length);
    if (ports > MAX_PORTS) {
      throw new DfkdError(
        'E_LIMIT',
        `Node '${label}' has ${ports} inputs or outputs; at most ${MAX_PORTS} are supported.`,
      );
    }
  }
}

function checkFinite({ nodes, initializers }: Graph): void {
  for (const node of nodes) {
    for (const [name, { kind, value }] of node.attributes) {
      if ((kind !== 'float' && kind !== 'floats') || ![value].flat().some(Number.isNaN)) continue;
      throw new DfkdError('E_NONFINITE', `Attribute '${name}' of ${node.opType} '${node.label}' holds NaN.`);
    }
    for (const name of node.inputs) {
      const tensor = initializers.get(name);
      if (!tensor) continue;
      const value = findNonFinite(tensor, TAKES_INFINITY.has(node.opType));
      if (value === undefined) continue;
      throw new DfkdError(
        'E_NONFINITE',
        `Constant '${name}' of ${node.opType} '${node.label}' holds ${value}.`,
      );
    }
  }
}

function findNonFinite(tensor: Tensor, allowInfinity: boolean): number | undefined {
  if (!isFloating(tensor.type)) return undefined;
  for (const part of partsOf(tensor)) {
    const found = (part as Float32Array | Float64Array).find((value) =>
      allowInfinity ? Number.isNaN(value) : !Number.isFinite(value),
    );
    if (found !== undefined) return found;
  }
  return undefined;
}

function checkVariance({ name, variance, epsilon }: BatchNormInfo): void {
  for (const value of variance.tensor.data) {
    if (Number(value) + epsilon > 0) continue;
    throw new DfkdError('E_TENSOR', `BatchNormalization '${name}' has the running variance ${value}.`);
  }
}
