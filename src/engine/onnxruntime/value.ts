/** Values and nodes of the compiler's intermediate form (graph.ts), and arithmetic on their shapes. */

export type ElementType = 'float32' | 'int32' | 'int64' | 'bool';
export type ConstantData = Float32Array | Int32Array | Uint8Array;
export type AttributeValue = number | string | readonly number[];
export type NodeAttributes = Readonly<Record<string, AttributeValue>>;

/** A tensor of the step: computed by `producer`, constant with `data`, or an input of the graph (neither). */
export interface Value {
  readonly id: number;
  readonly shape: readonly number[];
  readonly type: ElementType;
  readonly producer?: GraphNode;
  readonly data?: ConstantData;
}

export interface GraphNode {
  readonly op: string;
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  readonly attributes: NodeAttributes;
}

export interface OutputSpec {
  readonly shape: readonly number[];
  readonly type: ElementType;
}

export const sizeOf = (shape: readonly number[]): number => shape.reduce((size, dim) => size * dim, 1);
export const sameShape = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((dim, axis) => dim === b[axis]);

/** NumPy broadcasting of shapes known to be compatible. */
export function broadcastShapes(shapes: readonly (readonly number[])[]): number[] {
  const rank = Math.max(0, ...shapes.map((shape) => shape.length));
  return Array.from({ length: rank }, (_, axis) =>
    shapes.reduce((dim, shape) => Math.max(dim, shape[axis - rank + shape.length] ?? 1), 1),
  );
}
