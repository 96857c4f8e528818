import { DfkdError } from '../../converters/errors.js';
import type { HostTensor } from '../engine/engine.js';

export interface Tolerance {
  /** Default 1e-3. */
  readonly rtol?: number | undefined;
  /** Default 1e-5. */
  readonly atol?: number | undefined;
}

export interface Parity {
  /** Largest |a - b|; NaN where a value is not a finite number. */
  readonly maxAbsDiff: number;
  /** Largest |a - b| / (|a| + atol / rtol): the offset keeps values near zero from deciding. */
  readonly maxRelDiff: number;
  /** |a - b| <= atol + rtol |a| for every element, which is the same as maxRelDiff <= rtol. */
  readonly equal: boolean;
}

/** Compares two tensors of one shape element by element (numpy.allclose with `reference` as the truth). */
export function compareTensors(
  reference: HostTensor,
  actual: HostTensor,
  { rtol = 1e-3, atol = 1e-5 }: Tolerance = {},
): Parity {
  if (reference.shape.join() !== actual.shape.join()) {
    throw new DfkdError(
      'E_SHAPE',
      `Outputs of shape [${reference.shape.join(', ')}] and [${actual.shape.join(', ')}] cannot be compared.`,
    );
  }
  let maxAbsDiff = 0;
  let maxRelDiff = 0;
  for (const [i, a] of reference.data.entries()) {
    const difference = Math.abs(a - actual.data[i]);
    const relative = difference / (Math.abs(a) + atol / rtol);
    // Math.max keeps a NaN once it met one.
    maxAbsDiff = Math.max(maxAbsDiff, difference);
    maxRelDiff = Math.max(maxRelDiff, relative);
  }
  return { maxAbsDiff, maxRelDiff, equal: maxRelDiff <= rtol };
}

/**
 * Throws unless the tensors agree within the tolerance.
 * @throws DfkdError E_INTERNAL naming `what` was compared and by how much it differs
 */
export function assertParity(
  reference: HostTensor,
  actual: HostTensor,
  options: Tolerance & { readonly what: string },
): Parity {
  const parity = compareTensors(reference, actual, options);
  if (!parity.equal) {
    throw new DfkdError(
      'E_INTERNAL',
      `${options.what} differs from onnxruntime by up to ${parity.maxAbsDiff.toPrecision(3)} ` +
        `(relative ${parity.maxRelDiff.toPrecision(3)}); the result cannot be trusted, so nothing was written.`,
    );
  }
  return parity;
}
