import type { Graph } from '../graph.js';
import type { Value } from '../value.js';

/**
 * Records one tfjs kernel: adds its ONNX nodes to the graph instead of computing. Inputs are in the order in which
 * tfjs lists them; attributes are those of tfjs-core's kernel_names.
 */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- tfjs types kernel attributes as an open record.
export type KernelAttributes = Readonly<Record<string, any>>;
export type RecordKernel = (
  graph: Graph,
  inputs: Readonly<Record<string, Value>>,
  attributes: KernelAttributes,
) => Value | readonly Value[];
export type KernelTable = Readonly<Record<string, RecordKernel>>;
