import { inferGraph } from '../../converters/infer-shapes.js';
import { checkMemory, checkNodeCount } from '../../converters/memory.js';
import type { Model } from '../../converters/model.js';
import { SUPPORTED_OPSETS } from '../../converters/ops/index.js';
import { sizeOf } from '../../converters/ops/support/shapes.js';
import { dropDeadNodes } from '../../converters/passes/drop-dead-nodes.js';
import { inlineFunctions } from '../../converters/passes/inline-functions.js';
import { resolveIdentities } from '../../converters/passes/resolve-identities.js';
import { type MemoryOptions, openModel, type OpenedModel, type SignatureOptions } from '../open-model.js';

/**
 * Opens a model that onnxruntime is to run in batches, and refuses what would take too much memory there.
 * @throws DfkdError as openModel and inferGraph do; E_LIMIT
 */
export async function openRunnable(
  path: string,
  batch: number,
  options: SignatureOptions & MemoryOptions,
): Promise<OpenedModel> {
  const opened = await openModel(path, options);
  checkMemory(`'${path}' on ${batch} images`, estimateLargest(opened.model, batch), options.maxMemory);
  return opened;
}

/** Bytes of the largest node, its inputs and outputs together; what follows from an open input size is not known. */
function estimateLargest(model: Model, batch: number): number {
  const [least, most] = SUPPORTED_OPSETS;
  if (model.opset < least || model.opset > most) return 0;
  const graph = dropDeadNodes(resolveIdentities(inlineFunctions(model)));
  checkNodeCount(graph.nodes.length);
  // A batch that the file fixes is the one it runs with; else that of one image is scaled.
  const inputs = graph.inputs.map(({ name, shape }) => {
    const dims = shape?.map((dim, axis) => dim ?? (axis === 0 ? 1 : null)) ?? [null];
    return dims.every((dim) => dim !== null) ? ([[name, dims]] as const) : [];
  });
  const shapes = new Map(inputs.flat());
  const inferred = inferGraph(graph, model.opset, shapes).shapes;
  const bytesOf = (name: string) => 4 * sizeOf(inferred.get(name) ?? [0]);
  const ofNodes = graph.nodes.map((node) =>
    [...node.inputs, ...node.outputs].reduce((sum, name) => sum + bytesOf(name), 0),
  );
  const isFixed = typeof graph.inputs[0]?.shape?.[0] === 'number';
  return (isFixed ? 1 : batch) * ofNodes.reduce((largest, bytes) => Math.max(largest, bytes), 0);
}
