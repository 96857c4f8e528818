import { DfkdError } from '../../converters/errors.js';

/** Which weights may be cut apart from each other. */
export type Pattern =
  | { readonly kind: 'unstructured' }
  /** Of every m consecutive input channels, n weights are kept. */
  | { readonly kind: 'n:m'; readonly n: number; readonly m: number }
  /** Output channels fall in blocks, see groups.ts. */
  | { readonly kind: 'block' };

/** Reads `unstructured`, `block` or n:m, such as `2:4`. Throws E_ARG. */
export function parsePattern(text: string): Pattern {
  if (text === 'unstructured' || text === 'block') return { kind: text };
  const [, n, m] = /^(\d{1,4}):(\d{1,4})$/.exec(text)?.map(Number) ?? [];
  if (n >= 1 && n <= m) return { kind: 'n:m', n, m };
  throw new DfkdError(
    'E_ARG',
    `There is no pattern '${text}'; use unstructured, block, or n:m such as 2:4, with n from 1 to m.`,
  );
}

/** The inverse of `parsePattern`. */
export function formatPattern(pattern: Pattern): string {
  return pattern.kind === 'n:m' ? `${pattern.n}:${pattern.m}` : pattern.kind;
}

/**
 * The share to cut: that which was asked for, or what an n:m pattern says by itself.
 * @param asked undefined where the user left it open
 * @throws DfkdError E_ARG where both say something, and not the same
 */
export function sparsityOf(pattern: Pattern, asked: number | undefined, otherwise: number): number {
  if (pattern.kind !== 'n:m') return asked ?? otherwise;
  const { n, m } = pattern;
  const own = 1 - n / m;
  if (asked === undefined || Math.abs(asked - own) < 1e-9) return own;
  throw new DfkdError(
    'E_ARG',
    `The pattern ${n}:${m} cuts ${own} of the weights by itself, and a sparsity of ${asked} contradicts it; leave the sparsity out.`,
  );
}
