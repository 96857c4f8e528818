import { encodeModel, type GraphSpec } from '../../../converters/encode.js';
import type { ErrorCode } from '../../../converters/errors.js';
import type { Tensor } from '../../../converters/model.js';
import { tinyTeacherSpec } from '../tiny-teacher.js';
import {
  HEADER,
  KIND,
  X,
  Y,
  attribute,
  field,
  head,
  initializer,
  input,
  integer,
  model,
  node,
  output,
} from '../wire-models.js';

/** A file made to hurt, and what it deserves. Bytes are made when asked for: some files are large. */
export interface HostileModel {
  readonly name: string;
  readonly expect: ErrorCode | 'accept';
  readonly bytes: () => Uint8Array;
}

export const floats = (dims: number[], values: number[]): Tensor => ({
  type: 'float',
  dims,
  data: Float32Array.from(values),
});
export const int64s = (...values: (number | bigint)[]): Tensor => ({
  type: 'int64',
  dims: [values.length],
  data: BigInt64Array.from(values, BigInt),
});
export const W = initializer('w', floats([4, 3, 1, 1], new Array<number>(12).fill(0.5)));
export const CONV = node('Conv', ['x', 'w'], ['h']);
export const ENDS = [input(X), output(Y)];
export const SOUND = [W, CONV, head('h'), ...ENDS];

/** A TensorProto named w, type float, of raw fields. */
export const tensor = (...fields: Uint8Array[]) => field(5, field(8, 'w'), integer(2, 1), ...fields);
export const dims = (...sizes: (number | bigint)[]) => Buffer.concat(sizes.map((size) => integer(1, size)));
export const withTensor = (...fields: Uint8Array[]) => model(tensor(...fields), CONV, head('h'), ...ENDS);
export const withConv = (...attributes: Uint8Array[]) =>
  model(W, node('Conv', ['x', 'w'], ['h'], ...attributes), head('h'), ...ENDS);
export const ints = (name: string, ...values: number[]) =>
  attribute(name, KIND.ints, ...values.map((value) => integer(8, value)));

export function teacher(change: (spec: GraphSpec) => Partial<GraphSpec>): Uint8Array {
  const spec = tinyTeacherSpec();
  return encodeModel({ ...spec, ...change(spec) });
}

/** The tiny teacher with one constant's first element changed. */
export const poisoned = (name: string, value: number) =>
  teacher(({ initializers }) => {
    const { data, ...rest } = initializers.get(name)!;
    const copy = Float32Array.from(data as Float32Array);
    copy[0] = value;
    return { initializers: new Map(initializers).set(name, { ...rest, data: copy }) };
  });

export const renamed = (from: string, to: string) =>
  teacher((spec) => {
    const name = (old: string) => (old === from ? to : old);
    return {
      nodes: spec.nodes.map((one) => ({
        ...one,
        inputs: one.inputs.map(name),
        outputs: one.outputs.map(name),
      })),
      initializers: new Map([...spec.initializers].map(([old, data]) => [name(old), data])),
      inputs: spec.inputs.map((value) => ({ ...value, name: name(value.name) })),
      outputs: spec.outputs.map((value) => ({ ...value, name: name(value.name) })),
    };
  });

/** Functions f0 to f<depth - 1>, each of which calls the next as often as asked; the last one has `leaf`. */
export function functions(depth: number, calls: number, leaf: Uint8Array, result = 'g'): Buffer {
  const opset = field(9, field(1, ''), integer(2, 17));
  const bodies = Array.from({ length: depth }, (_, i) => {
    const called = Array.from({ length: calls }, (__, call) =>
      field(
        7,
        field(1, 'a'),
        field(2, call === 0 ? 'b' : `b${call}`),
        field(4, `f${i + 1}`),
        field(7, 'bomb'),
      ),
    );
    const body = i === depth - 1 ? [leaf] : called;
    return field(25, field(1, `f${i}`), field(10, 'bomb'), field(4, 'a'), field(5, 'b'), ...body, opset);
  });
  const call = node('f0', ['h'], [result], field(7, 'bomb'));
  const domain = field(8, field(1, 'bomb'), integer(2, 1));
  return Buffer.concat([model(W, CONV, call, head(result), ...ENDS), domain, ...bodies]);
}

export const relu = field(7, field(1, 'a'), field(2, 'b'), field(4, 'Relu'));

/** A chain of nodes from h to the head, of which each makes its value larger. */
export const chain = (count: number, make: (from: string, to: string) => Uint8Array) =>
  Buffer.concat(
    Array.from({ length: count }, (_, i) =>
      make(i === 0 ? 'h' : `v${i - 1}`, i === count - 1 ? 'g' : `v${i}`),
    ),
  );

export const nested = (depth: number) => {
  let graph: Buffer = Buffer.concat([node('Relu', ['x'], ['r']), output({ ...Y, name: 'r' })]);
  for (let i = 0; i < depth; i++) {
    graph = Buffer.concat([
      node('If', ['x'], ['r'], attribute('then_branch', KIND.graph, field(6, graph))),
      output({ ...Y, name: 'r' }),
    ]);
  }
  return Buffer.concat([HEADER, field(7, graph, input(X))]);
};

export const LONG = 'n'.repeat(8 * 2 ** 20);
