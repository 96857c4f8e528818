import { encodeModel, type GraphSpec } from '../../converters/encode.js';
import type { Tensor } from '../../converters/model.js';
import { createRandom } from '../../src/random.js';

/**
 * A whole teacher in a kilobyte or two, so that the whole job takes seconds: two 3x3 convolutions with batch norm,
 * global pooling and a linear layer, on [batch, 3, 8, 8] for 4 classes, with seeded random weights.
 */
export function tinyTeacherSpec(): GraphSpec {
  const random = createRandom(7);
  const noise = (dims: number[], scale: number, offset = 0): Tensor => {
    const data = random.gaussian(dims.reduce((product, dim) => product * dim, 1));
    return { type: 'float', dims, data: data.map((value) => offset + scale * value) };
  };
  const block = (name: string, input: string, strides: number[]) => [
    {
      opType: 'Conv',
      name: `${name}.conv`,
      inputs: [input, `${name}.weight`],
      outputs: [`${name}.conv`],
      attributes: { kernel_shape: [3, 3], pads: [1, 1, 1, 1], strides },
    },
    {
      opType: 'BatchNormalization',
      name: `${name}.norm`,
      inputs: [
        `${name}.conv`,
        ...['scale', 'offset', 'mean', 'variance'].map((parameter) => `${name}.${parameter}`),
      ],
      outputs: [`${name}.norm`],
    },
    { opType: 'Relu', inputs: [`${name}.norm`], outputs: [name] },
  ];
  const norm = (name: string, channels: number): [string, Tensor][] => [
    [`${name}.scale`, noise([channels], 0.1, 1)],
    [`${name}.offset`, noise([channels], 0.1)],
    [`${name}.mean`, noise([channels], 0.2)],
    [`${name}.variance`, noise([channels], 0.05, 1)],
  ];
  return {
    opset: 13,
    irVersion: 8,
    nodes: [
      ...block('first', 'input', [1, 1]),
      ...block('second', 'first', [2, 2]),
      { opType: 'GlobalAveragePool', inputs: ['second'], outputs: ['pooled'] },
      { opType: 'Flatten', inputs: ['pooled'], outputs: ['flat'] },
      { opType: 'Gemm', inputs: ['flat', 'linear.weight', 'linear.bias'], outputs: ['logits'] },
    ],
    initializers: new Map([
      ['first.weight', noise([8, 3, 3, 3], 0.2)],
      ...norm('first', 8),
      ['second.weight', noise([16, 8, 3, 3], 0.15)],
      ...norm('second', 16),
      ['linear.weight', noise([16, 4], 1)],
      ['linear.bias', noise([4], 0.1)],
    ]),
    inputs: [{ name: 'input', type: 'float', shape: ['batch', 3, 8, 8] }],
    outputs: [{ name: 'logits', type: 'float', shape: ['batch', 4] }],
  };
}

export function encodeTinyTeacher(): Uint8Array {
  return encodeModel(tinyTeacherSpec());
}
