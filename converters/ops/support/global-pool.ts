import type { Shape } from '../define-op.js';
import { shapeError, show } from './shapes.js';

/** [N, C, 1, ...] */
export function pooledShape(x: Shape): number[] {
  if (x.length < 3) throw shapeError(`input ${show(x)} has no spatial axes.`);
  return x.map((dim, axis) => (axis < 2 ? dim : 1));
}

export function spatialAxes(x: Shape): number[] {
  return x.map((_, axis) => axis).slice(2);
}
