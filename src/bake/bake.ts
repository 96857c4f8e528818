import type { Model } from '../../converters/model.js';
import { editModelFiles, type ConstantCopy, type EditedModel } from '../../converters/write.js';
import type { Network, Parameter } from '../network/network.js';
import type { Student } from '../student.js';

export interface BakeOptions {
  /** Name of the file beside the student that takes the external data, if the teacher has any. */
  readonly externalLocation?: string;
  /** metadata_props that a student which differs from its teacher gets. */
  readonly metadata?: ReadonlyMap<string, string>;
}

/**
 * The teacher's file with the student's weights, masks multiplied in: a masked weight is +0.0. Only constants that
 * differ from the teacher's change; a constant the file shares between uses that differ now becomes several. What is
 * stored outside the teacher's file is stored outside the student's, in a file of its own.
 * Without a difference (and external data) the result is the teacher's file, byte for byte.
 * @param network the network that was lowered from `model`; the student's names are those of its parameters
 */
export function bakeStudent(
  model: Model,
  student: Student,
  { parameters }: Pick<Network, 'parameters'>,
  { externalLocation = 'model.onnx.data', metadata = new Map() }: BakeOptions = {},
): EditedModel {
  const tensors = new Map<string, Float32Array>();
  const copies: ConstantCopy[] = [];
  const baked = new Map([...parameters.values()].map((parameter) => [parameter, bake(parameter, student)]));
  for (const [parameter, data] of baked) {
    const { name, source } = parameter;
    if (name === source && isChanged(parameter, data)) tensors.set(name, data);
  }
  for (const [parameter, data] of baked) {
    const { name, source, consumers } = parameter;
    if (name === source) continue;
    // Where the shared constant changes, the other uses need one of their own even to keep their values.
    if (tensors.has(source) || isChanged(parameter, data)) copies.push({ name, source, data, consumers });
  }
  const isChangedAtAll = tensors.size + copies.length > 0;
  return editModelFiles(model, {
    tensors,
    copies,
    externalLocation,
    metadata: isChangedAtAll ? metadata : new Map(),
  });
}

/** A parameter's final values; the model's own where the student has none. */
function bake({ name, data }: Parameter, { weights, masks }: Student): Float32Array {
  const weight = weights.get(name) ?? data;
  const mask = masks.get(name);
  return mask ? weight.map((value, i) => (mask[i] === 0 ? 0 : value)) : weight;
}

/** By bits, so that -0.0 becoming +0.0 is a change. */
function isChanged({ data }: Parameter, baked: Float32Array): boolean {
  return baked.some((value, i) => !Object.is(value, data[i]));
}
