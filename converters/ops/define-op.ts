import type * as tfjs from '@tensorflow/tfjs-core';
import type { Attribute, Tensor } from '../model.js';

export type Shape = readonly number[];
export type Tf = typeof tfjs;

/** Attribute values after parsing: absent ones carry their default. */
export type AttributeValue = number | string | readonly number[] | readonly string[] | Tensor | undefined;

/** How one attribute is read from a file: its kind in ONNX, its default, and which opsets have it. */
export interface AttributeSpec<T extends AttributeValue = AttributeValue> {
  readonly kind: Attribute['kind'];
  readonly default: T;
  readonly required?: boolean;
}

export type AttributeSpecs = Readonly<Record<string, AttributeSpec>>;
export type Attributes<S extends AttributeSpecs> = {
  readonly [K in keyof S]: S[K] extends AttributeSpec<infer T> ? T : never;
};

/** What an operator may know besides its tensors, all of it static once the batch size is chosen. */
export interface OpContext {
  /** Opset version of the model. */
  readonly opset: number;
  /** Constant inputs by position; undefined where the input is computed (or omitted). */
  readonly constants: readonly (Tensor | undefined)[];
  readonly outputShapes: readonly Shape[];
}

/** All there is to know about one ONNX operator. */
export interface OpDefinition<S extends AttributeSpecs = AttributeSpecs> {
  readonly opType: string;
  /** Opset versions at which the operator's signature changed; the largest one <= the model's opset applies. */
  readonly since: readonly number[];
  /** Least and most inputs, and outputs, over the supported versions. */
  readonly inputs: readonly [number, number];
  readonly outputs: readonly [number, number];
  readonly attributes: S;
  /** Output shapes from input shapes ([] for omitted inputs) ; throws DfkdError E_SHAPE or E_ATTR. */
  shape(
    inputs: readonly Shape[],
    attributes: Attributes<S>,
    context: Omit<OpContext, 'outputShapes'>,
  ): Shape[];
  /** Evaluation on constants without tfjs, where the operator takes part in shape arithmetic. */
  fold?(inputs: readonly (Tensor | undefined)[], attributes: Attributes<S>, context: OpContext): Tensor[];
  /** Differentiable forward computation in tfjs ops, ONNX layout (NCHW, OIHW). Absent: constants only. */
  forward?(
    tf: Tf,
    inputs: readonly tfjs.Tensor[],
    attributes: Attributes<S>,
    context: OpContext,
  ): tfjs.Tensor[];
}
