/** Constants whose elements are not written down before somebody reads them. */
import { stridesOf } from '../../../converters/ops/support/shapes.js';
import { type ConstantData, type ElementType, type Value, sizeOf } from './value.js';

/** An array read with one stride per axis, from an offset. */
export interface Operand {
  readonly data: ConstantData;
  readonly strides: readonly number[];
  readonly offset: number;
}

/** Row-major over `dims`: the source's elements times those of every factor. A factor broadcasts by strides of 0. */
export interface Strided {
  readonly dims: readonly number[];
  readonly source: Operand;
  readonly factors: readonly Operand[];
}

/** The array as it lies. */
export const plain = (data: ConstantData, dims: readonly number[]): Strided => ({
  dims,
  source: { data, strides: stridesOf(dims), offset: 0 },
  factors: [],
});

export class Constant implements Value {
  constructor(
    readonly id: number,
    readonly shape: readonly number[],
    readonly type: ElementType,
    private strided: Strided,
  ) {}

  /** Its elements in the order in which `data` has them; the axes need not be those of the shape. */
  get elements(): Strided {
    return this.strided;
  }

  get data(): ConstantData {
    const data = materialise(this.strided);
    // Lets go of the source.
    if (data !== this.strided.source.data) this.strided = plain(data, this.shape);
    return data;
  }
}

/** Unlike a look at `data`, computes nothing. */
export const isConstant = (value: Value): value is Constant => value instanceof Constant;

export function isPlain({ dims, source: { data, strides, offset }, factors }: Strided): boolean {
  const dense = stridesOf(dims);
  return (
    factors.length === 0 &&
    offset === 0 &&
    data.length === sizeOf(dims) &&
    strides.every((stride, axis) => dims[axis] === 1 || stride === dense[axis])
  );
}

/** The elements in a row: the source itself where they lie so. */
export function materialise(x: Strided): ConstantData {
  return isPlain(x) ? x.source.data : compute(x);
}

function compute({ dims, source, factors }: Strided): Float32Array {
  const result = new Float32Array(sizeOf(dims));
  const [rows, columns] = [dims.at(-2) ?? 1, dims.at(-1) ?? 1];
  eachMatrix(dims, source, (from, to) => {
    const { data } = source;
    const [down, across] = [source.strides.at(-2) ?? 0, source.strides.at(-1) ?? 0];
    for (let row = 0; row < rows; row++, from += down) {
      for (let i = 0, at = from; i < columns; i++, at += across) result[to++] = data[at];
    }
  });
  for (const factor of factors) {
    eachMatrix(dims, factor, (from, to) => {
      const { data } = factor;
      const [down, across] = [factor.strides.at(-2) ?? 0, factor.strides.at(-1) ?? 0];
      for (let row = 0; row < rows; row++, from += down) {
        for (let i = 0, at = from; i < columns; i++, at += across) result[to++] *= data[at];
      }
    });
  }
  return result;
}

/** For each matrix of the last two axes, the position of its first element in the operand and in the result. */
function eachMatrix(
  dims: readonly number[],
  { strides, offset }: Operand,
  visit: (from: number, to: number) => void,
): void {
  const outer = dims.slice(0, -2);
  const [count, length] = [sizeOf(outer), sizeOf(dims.slice(-2))];
  const position = outer.map(() => 0);
  for (let matrix = 0, from = offset; matrix < count; matrix++) {
    visit(from, matrix * length);
    // On to the next one, as an odometer counts.
    for (let axis = outer.length - 1; axis >= 0; axis--) {
      from += strides[axis];
      if (++position[axis] < outer[axis]) break;
      from -= strides[axis] * outer[axis];
      position[axis] = 0;
    }
  }
}
