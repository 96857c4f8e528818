/**
 * For GPUs, which compute the elements of a reduction side by side, but what goes into one of them mostly in a row.
 *
 * 1. ReduceMean or ReduceSum of [N,C,H,W] over the pixels and more: over the pixels of each image and channel, then over
 *    the rest.
 * 2. Where that rest is images and channels (or outputs and inputs of a layer) and large: over one after the other.
 */
import type { Graph } from '../graph.js';
import { rewrite, type Visit } from '../rewrite.js';
import type { Value } from '../value.js';

export const splitReductions = (graph: Graph): Graph => rewrite(graph, visit);

const REDUCTIONS: ReadonlySet<string> = new Set(['ReduceMean', 'ReduceSum']);
const PIXELS = [2, 3];
const LARGE = 4096;

const visit: Visit = ({ op, attributes }, [x], target) => {
  if (!REDUCTIONS.has(op)) return undefined;
  const stages = stagesOf(x.shape, attributes['axes'] as readonly number[]);
  if (stages.length < 2) return undefined;
  return stages.reduce<Value>((value, axes) => {
    const shape = value.shape.map((dim, axis) => (axes.includes(axis) ? 1 : dim));
    return target.op(op, [value], { axes }, shape);
  }, x);
};

/** The axes that are reduced together, in the order in which they are. */
function stagesOf(shape: readonly number[], axes: readonly number[]): (readonly number[])[] {
  const isImages = shape.length === 4 && PIXELS.every((axis) => axes.includes(axis));
  if (!isImages && shape.length !== 2) return [axes];
  const rest = axes.filter((axis) => !PIXELS.includes(axis));
  const isLarge = rest.length === 2 && shape[0] * shape[1] > LARGE;
  const outer = isLarge ? [[1], [0]] : [rest];
  return [...(isImages ? [PIXELS] : []), ...outer].filter(({ length }) => length > 0);
}
