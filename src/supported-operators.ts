import type { OpDefinition } from '../converters/ops/define-op.js';
import { OPERATORS, SUPPORTED_OPSETS } from '../converters/ops/index.js';

/** One operator of the default domain. */
export interface SupportedOperator {
  readonly name: string;
  /** First and last opset. */
  readonly opsets: readonly [number, number];
  /** 'constants': it is evaluated on what does not depend on the images only, as in the arithmetic of shapes. */
  readonly computes: 'forward / gradient' | 'forward' | 'constants';
}

export function listOperators(): SupportedOperator[] {
  const [least, most] = SUPPORTED_OPSETS;
  return OPERATORS.map((definition) => ({
    name: definition.opType,
    opsets: [Math.max(definition.since[0], least), Math.min(definition.before - 1, most)],
    computes: computesOf(definition),
  }));
}

function computesOf(definition: OpDefinition): SupportedOperator['computes'] {
  if (definition.forward === undefined) return 'constants';
  return definition.differentiable ? 'forward / gradient' : 'forward';
}
