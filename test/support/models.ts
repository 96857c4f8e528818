import type { GraphSpec } from '../../converters/encode.js';
import type { Tensor } from '../../converters/model.js';

export function float(dims: readonly number[], data: readonly number[]): Tensor {
  return { type: 'float', dims, data: Float32Array.from(data) };
}

/** y = Relu(x w + b), x [batch,2], y [batch,3]. */
export function linearModel(): GraphSpec {
  return {
    opset: 17,
    irVersion: 8,
    nodes: [
      { opType: 'Gemm', name: 'fc', inputs: ['x', 'w', 'b'], outputs: ['h'] },
      { opType: 'Relu', name: 'relu', inputs: ['h'], outputs: ['y'] },
    ],
    initializers: new Map([
      ['w', float([2, 3], [1, -2, 3, -4, 5, -6])],
      ['b', float([3], [0.5, 0.25, -0.125])],
    ]),
    inputs: [{ name: 'x', type: 'float', shape: ['batch', 2] }],
    outputs: [{ name: 'y', type: 'float', shape: ['batch', 3] }],
  };
}
