import { MODEL } from './hostile/model.js';
import { NAMES } from './hostile/names.js';
import { OUTPUT } from './hostile/output.js';
import { SHAPE } from './hostile/shape.js';
import { TENSOR } from './hostile/tensor.js';
import { WIRE } from './hostile/wire.js';
import type { HostileModel } from './hostile/parts.js';

export const HOSTILE_MODELS: readonly HostileModel[] = [
  ...WIRE,
  ...MODEL,
  ...TENSOR,
  ...SHAPE,
  ...OUTPUT,
  ...NAMES,
];
