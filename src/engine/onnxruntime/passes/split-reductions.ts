/**
 * For GPUs, which compute the elements of a reduction side by side, but what goes into one of them mostly in a row.
 *
 * 1. ReduceMean or ReduceSum of [N,C,H,W] over the pixels and more: over the pixels of each image and channel, then over
 *    the rest.
 */
import type { Graph } from '../graph.js';
import { rewrite, type Visit } from '../rewrite.js';

export const splitReductions = (graph: Graph): Graph => rewrite(graph, visit);

const REDUCTIONS: ReadonlySet<string> = new Set(['ReduceMean', 'ReduceSum']);
const PIXELS = [2, 3];

const visit: Visit = ({ op, attributes, outputs }, [x], target) => {
  if (!REDUCTIONS.has(op) || x.shape.length !== 4) return undefined;
  const axes = attributes['axes'] as readonly number[];
  const rest = axes.filter((axis) => !PIXELS.includes(axis));
  if (rest.length === 0 || axes.length < rest.length + PIXELS.length) return undefined;
  const perPlane = target.op(op, [x], { axes: PIXELS }, [x.shape[0], x.shape[1], 1, 1]);
  return target.op(op, [perPlane], { axes: rest }, outputs[0].shape);
};
