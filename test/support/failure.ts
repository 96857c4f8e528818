import { expect } from 'vitest';
import { DfkdError } from '../../converters/errors.js';

/** `CODE: message` of the DfkdError that the work is to end with. */
export async function failure(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => new Error('it succeeded'),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(DfkdError);
  return `${(error as DfkdError).code}: ${(error as DfkdError).message}`;
}
