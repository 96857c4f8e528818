import type { Tensor } from '../../model.js';
import { toIntegers } from './constants.js';

/** Axes and other integer lists moved from an attribute to an input in opset 13 or 18: whichever the node has. */
export function integersOf(
  attribute: readonly number[] | undefined,
  constant: Tensor | undefined,
  what: string,
): readonly number[] | undefined {
  return constant === undefined ? attribute : toIntegers(constant, what);
}
