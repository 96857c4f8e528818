/** The checked-in gradients of PyTorch (scripts/make_gradient_vectors.py), of single operators. */
import { readFileSync } from 'node:fs';

/** Row-major. */
export interface Encoded {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

export interface Vector {
  readonly op: string;
  readonly attributes: Readonly<Record<string, number | readonly number[]>>;
  readonly inputs: readonly Encoded[];
  readonly constants: readonly (Encoded & { readonly type: 'float' | 'int64' })[];
  readonly gradOutput: Encoded;
  readonly output: Encoded;
  readonly gradients: readonly (Encoded | null)[];
  /** Where it is not that of the file. */
  readonly opset?: number;
  /** Where there are several, `output` is all of them as one vector. */
  readonly outputs?: number;
}

/** By file. */
export const VECTORS: readonly (readonly [string, readonly Vector[]])[] = [
  'conv',
  'batch-normalization',
  'pool',
  'elementwise',
  'linear',
  'reduction',
  'movement',
  'activation',
  'normalization',
  'spatial',
  'resampling',
].map((name) => {
  const url = new URL(`../../fixtures/gradients/${name}.json`, import.meta.url);
  return [name, (JSON.parse(readFileSync(url, 'utf8')) as { cases: Vector[] }).cases];
});
