import { DfkdError } from '../../../converters/errors.js';
import type { LossCurve } from '../../run-record.js';
import type { StoredTensor } from './safetensors.js';

/** Points that a shard keeps of each curve; a chart has no room for more. */
const POINTS = 500;

const STEPS = 'steps';

/** Tensors `curve/<stage>/steps` and `curve/<stage>/<term>`, thinned evenly, with the last point. */
export function encodeCurves(curves: readonly LossCurve[]): [string, StoredTensor][] {
  return curves.flatMap(({ stage, steps, terms }) => {
    const stride = Math.ceil(steps.length / POINTS);
    const keep = (_: number, i: number) => i % stride === 0 || i === steps.length - 1;
    const vector = <T extends Float32Array | Int32Array>(data: T) => ({ shape: [data.length], data });
    const named = Object.entries(terms).map(([term, values]): [string, StoredTensor] => [
      `curve/${stage}/${term}`,
      vector(Float32Array.from(values.filter(keep))),
    ]);
    return [[`curve/${stage}/${STEPS}`, vector(Int32Array.from(steps.filter(keep)))], ...named];
  });
}

/** The inverse of `encodeCurves`, on a file that `name` names in messages. Throws E_TENSOR. */
export function decodeCurves(tensors: ReadonlyMap<string, StoredTensor>, name: string): LossCurve[] {
  const found = new Map<string, Map<string, number[]>>();
  for (const [key, { data }] of tensors) {
    const match = /^curve\/([^/]*)\/(.*)$/s.exec(key);
    if (match === null) continue;
    const [, stage, term] = match;
    found.set(stage, (found.get(stage) ?? new Map<string, number[]>()).set(term, Array.from(data)));
  }
  return Array.from(found, ([stage, terms]) => {
    const steps = terms.get(STEPS) ?? [];
    terms.delete(STEPS);
    if ([...terms.values()].some((values) => values.length !== steps.length)) {
      throw new DfkdError('E_TENSOR', `'${name}' holds a curve of '${stage}' whose points lack their steps.`);
    }
    return { stage, steps, terms: Object.fromEntries(terms) };
  });
}

/** Point by point, over the curves of a stage that are as long as the first and have its terms. */
export function averageCurves(all: readonly (readonly LossCurve[])[]): LossCurve[] {
  const [first = []] = all;
  return first.map(({ stage, steps, terms }) => {
    const alike = all.flatMap((curves) =>
      curves.filter(
        (curve) =>
          curve.stage === stage &&
          curve.steps.length === steps.length &&
          Object.keys(terms).every((term) => Object.hasOwn(curve.terms, term)),
      ),
    );
    const mean = (term: string) =>
      steps.map((_, i) => alike.reduce((sum, curve) => sum + curve.terms[term][i], 0) / alike.length);
    return { stage, steps, terms: Object.fromEntries(Object.keys(terms).map((term) => [term, mean(term)])) };
  });
}
