import type * as tfjs from '@tensorflow/tfjs-core';
import type { Attribute, DataType, Tensor } from '../model.js';

export type Shape = readonly number[];
export type Tf = typeof tfjs;

/** Attribute values after parsing: absent ones carry their default. */
export type AttributeValue = number | string | readonly number[] | readonly string[] | Tensor | undefined;

/** How one attribute is read from a file: its kind in ONNX, its default, and which opsets have it. */
export interface AttributeSpec<T extends AttributeValue = AttributeValue> extends AttributeLimits<T> {
  readonly kind: Attribute['kind'];
  /** undefined where the attribute is required, or absent means "derive it". */
  readonly default: T | undefined;
  readonly required: boolean;
}

export interface AttributeLimits<T extends AttributeValue = AttributeValue> {
  /** First opset that has the attribute. */
  readonly since?: number;
  /** First opset that no longer has it. */
  readonly before?: number;
  readonly oneOf?: readonly T[];
}

export type AttributeSpecs = Readonly<Record<string, AttributeSpec>>;
export type Attributes<S extends AttributeSpecs> = {
  readonly [K in keyof S]: S[K] extends AttributeSpec<infer T> ? T : never;
};

export interface ShapeContext {
  /** Opset version of the model. */
  readonly opset: number;
  /** Constant inputs by position; undefined where the input is computed (or omitted). */
  readonly constants: readonly (Tensor | undefined)[];
  /** Element types of the inputs, undefined where unknown (or omitted). */
  readonly types: readonly (DataType | undefined)[];
  /** Outputs the node names; variadic operators (Split) depend on it. */
  readonly outputCount: number;
}

/** What an operator may know besides its tensors, all of it static once the batch size is chosen. */
export interface OpContext extends ShapeContext {
  readonly outputShapes: readonly Shape[];
}

type Repeat<T, N extends number, R extends readonly T[] = []> = R['length'] extends N
  ? R
  : Repeat<T, N, readonly [...R, T]>;

/** As many T as the operator takes at least, then optional ones; only T where the number of inputs is open. */
type InputsOf<T, N extends readonly [number, number]> = number extends N[1]
  ? readonly T[]
  : readonly [...Repeat<T, N[0]>, ...(T | undefined)[]];

/** All there is to know about one ONNX operator, as its file states it. */
interface Definition<S extends AttributeSpecs, N extends readonly [number, number]> {
  /** Opset versions at which the operator's signature changed; the largest one <= the model's opset applies. */
  readonly since: readonly number[];
  /** First opset that no longer has the operator. */
  readonly before?: number;
  /** Whether gradients flow to any input (default: wherever there is a forward computation). */
  readonly differentiable?: false;
  /** Least and most inputs, and outputs, over the supported versions. */
  readonly inputs: N;
  readonly outputs: readonly [number, number];
  /** Positions of inputs that must be constant; `forward` finds them in `context.constants`, not among its inputs. */
  readonly constantInputs?: readonly number[];
  /** Positions of inputs of which only the element type matters, which is in `context.types`. */
  readonly typeInputs?: readonly number[];
  readonly attributes: S;
  /** Output shapes from input shapes ([] for omitted inputs); throws DfkdError E_SHAPE, E_ATTR or E_UNSUPPORTED. */
  shape(inputs: readonly Shape[], attributes: Attributes<S>, context: ShapeContext): Shape[];
  /** Element type of the outputs, where it is not that of the first input. */
  type?(attributes: Attributes<S>, context: ShapeContext): DataType | undefined;
  /** Evaluation on constants without tfjs, exact for integers; undefined where the element type is not foldable. */
  fold?(
    inputs: InputsOf<Tensor, N>,
    attributes: Attributes<S>,
    context: OpContext,
  ): readonly Tensor[] | undefined;
  /** The result, for operators that look at the shapes of their inputs alone. */
  foldShapes?(inputs: readonly Shape[], attributes: Attributes<S>): readonly Tensor[];
  /** Differentiable forward computation in tfjs ops, ONNX layout (NCHW, OIHW). Absent: constants only. */
  forward?(
    tf: Tf,
    inputs: InputsOf<tfjs.Tensor, N>,
    attributes: Attributes<S>,
    context: OpContext,
  ): tfjs.Tensor[];
}

/** A definition as the registry holds it: attributes and inputs by position, undefined for omitted inputs. */
export interface OpDefinition {
  readonly opType: string;
  readonly since: readonly number[];
  readonly before: number;
  readonly differentiable: boolean;
  readonly inputs: readonly [number, number];
  readonly outputs: readonly [number, number];
  readonly constantInputs: readonly number[];
  readonly typeInputs: readonly number[];
  readonly attributes: AttributeSpecs;
  shape(inputs: readonly Shape[], attributes: ParsedAttributes, context: ShapeContext): Shape[];
  type?(attributes: ParsedAttributes, context: ShapeContext): DataType | undefined;
  fold?(
    inputs: readonly (Tensor | undefined)[],
    attributes: ParsedAttributes,
    context: OpContext,
  ): readonly Tensor[] | undefined;
  foldShapes?(inputs: readonly Shape[], attributes: ParsedAttributes): readonly Tensor[];
  forward?(
    tf: Tf,
    inputs: readonly (tfjs.Tensor | undefined)[],
    attributes: ParsedAttributes,
    context: OpContext,
  ): tfjs.Tensor[];
}

export type ParsedAttributes = Readonly<Record<string, AttributeValue>>;

/** Defines one operator of the default domain; `forward` and `fold` see their inputs and attributes by type. */
export function defineOp<const S extends AttributeSpecs, const N extends readonly [number, number]>(
  opType: string,
  definition: Definition<S, N>,
): OpDefinition {
  // The parser guarantees what the precise types promise.
  return {
    constantInputs: [],
    typeInputs: [],
    before: Infinity,
    differentiable: definition.forward !== undefined,
    ...definition,
    opType,
  } as unknown as OpDefinition;
}

function spec<T extends AttributeValue>(
  kind: Attribute['kind'],
  fallback: T | undefined,
  required: boolean,
  limits: AttributeLimits<T> = {},
): AttributeSpec<T> {
  return { kind, default: fallback, required, ...limits };
}

export const int = (fallback: number, limits?: AttributeLimits<number>) =>
  spec('int', fallback, false, limits);
export const float = (fallback: number, limits?: AttributeLimits<number>) =>
  spec('float', fallback, false, limits);
export const string = (fallback: string, limits?: AttributeLimits<string>) =>
  spec('string', fallback, false, limits);
export const ints = (fallback: readonly number[], limits?: AttributeLimits<readonly number[]>) =>
  spec('ints', fallback, false, limits);
/** An int that is 0 or 1. */
export const flag = (fallback: 0 | 1, limits?: AttributeLimits<number>) =>
  spec<number>('int', fallback, false, { ...limits, oneOf: [0, 1] });

export const requiredInt = (limits?: AttributeLimits<number>) => spec<number>('int', undefined, true, limits);
export const requiredFloats = (limits?: AttributeLimits<readonly number[]>) =>
  spec<readonly number[]>('floats', undefined, true, limits);
export const requiredInts = (limits?: AttributeLimits<readonly number[]>) =>
  spec<readonly number[]>('ints', undefined, true, limits);

/** Attributes that may be absent have no default: `undefined`. */
export const optionalInt = (limits?: AttributeLimits<number>) =>
  spec<number | undefined>('int', undefined, false, limits);
export const optionalFloat = (limits?: AttributeLimits<number>) =>
  spec<number | undefined>('float', undefined, false, limits);
export const optionalInts = (limits?: AttributeLimits<readonly number[]>) =>
  spec<readonly number[] | undefined>('ints', undefined, false, limits);
export const optionalFloats = (limits?: AttributeLimits<readonly number[]>) =>
  spec<readonly number[] | undefined>('floats', undefined, false, limits);
export const optionalTensor = (limits?: AttributeLimits<Tensor>) =>
  spec<Tensor | undefined>('tensor', undefined, false, limits);
