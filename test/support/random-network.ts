/** Random small classifiers of the layers that image networks are made of. */
import fc from 'fast-check';
import { encodeModel, type AttributeSpec, type NodeSpec } from '../../converters/encode.js';
import type { Tensor } from '../../converters/model.js';
import { createRandom } from '../../src/random.js';
import { floatsOf, ints, scalar } from './operator-cases.js';

export const BATCH = 3;
export const CLASSES = 3;

export type Layer =
  | {
      readonly kind: 'conv';
      readonly outputs: number;
      readonly kernel: number;
      readonly stride: number;
      readonly dilation: number;
      readonly pads: readonly number[];
      readonly group: 'dense' | 'grouped' | 'depthwise';
      readonly bias: boolean;
    }
  | {
      readonly kind: 'pool';
      readonly opType: string;
      readonly kernel: number;
      readonly stride: number;
      readonly pad: number;
    }
  | { readonly kind: 'activation'; readonly opType: string }
  | { readonly kind: 'batch norm' | 'residual' | 'shortcut' | 'excite' | 'dense block' | 'shuffle' };

export interface Plan {
  readonly channels: number;
  readonly size: readonly [number, number];
  readonly layers: readonly Layer[];
}

const upTo = (most: number, least = 1) => fc.integer({ min: least, max: most });

const layer: fc.Arbitrary<Layer> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('conv' as const),
      outputs: upTo(3),
      kernel: upTo(3),
      stride: upTo(2),
      dilation: upTo(2),
      pads: fc.array(upTo(2, 0), { minLength: 4, maxLength: 4 }),
      group: fc.constantFrom('dense' as const, 'dense' as const, 'grouped' as const, 'depthwise' as const),
      bias: fc.boolean(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('pool' as const),
      opType: fc.constantFrom('MaxPool', 'AveragePool'),
      kernel: upTo(3, 2),
      stride: upTo(2),
      pad: upTo(1, 0),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('activation' as const),
      opType: fc.constantFrom('Relu', 'Relu', 'Clip', 'LeakyRelu', 'HardSwish', 'Sigmoid', 'Gate'),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constantFrom(
        'batch norm' as const,
        'batch norm' as const,
        'residual' as const,
        'shortcut' as const,
        'excite' as const,
        'dense block' as const,
        'shuffle' as const,
      ),
    }),
  },
);

export const plan: fc.Arbitrary<Plan> = fc.record({
  channels: upTo(3),
  size: fc.tuple(upTo(8, 5), upTo(8, 5)),
  layers: fc.array(layer, { minLength: 1, maxLength: 6 }),
});

/** The model's bytes: input x [batch, channels, height, width], output [batch, 3]. */
export function encodePlan({ channels, size, layers }: Plan): Uint8Array {
  const builder = new Builder(channels, size);
  for (const one of layers) builder.add(one);
  return builder.finish([channels, ...size]);
}

class Builder {
  private readonly random = createRandom(3);
  private readonly nodes: NodeSpec[] = [];
  private readonly initializers = new Map<string, Tensor>();
  private last = 'x';

  constructor(
    private channels: number,
    private size: readonly [number, number],
  ) {}

  add(layer: Layer): void {
    switch (layer.kind) {
      case 'conv':
        this.conv(layer);
        return;
      case 'pool':
        this.pool(layer);
        return;
      case 'activation':
        this.activation(layer.opType);
        return;
      case 'batch norm':
        this.batchNorm();
        return;
      case 'residual':
        this.residual();
        return;
      case 'shortcut':
        this.shortcut();
        return;
      case 'excite':
        this.excite();
        return;
      case 'dense block':
        this.denseBlock();
        return;
      case 'shuffle':
        this.shuffle();
    }
  }

  private node(
    opType: string,
    inputs: readonly string[],
    attributes: Record<string, AttributeSpec> = {},
  ): string {
    const output = `${opType}${this.nodes.length}`;
    this.nodes.push({ opType, name: output, inputs, outputs: [output], attributes });
    return output;
  }

  private store(tensor: Tensor): string {
    const name = `w${this.initializers.size}`;
    this.initializers.set(name, tensor);
    return name;
  }

  private noise(dims: readonly number[], scale: number, offset = 0): string {
    const data = this.random.gaussian(dims.reduce((product, dim) => product * dim, 1));
    return this.store({ type: 'float', dims, data: data.map((x) => offset + scale * x) });
  }

  private convolve(
    x: string,
    outputs: number,
    kernel: number,
    attributes: Record<string, AttributeSpec>,
  ): string {
    const group = (attributes['group'] as number | undefined) ?? 1;
    const weight = this.noise([outputs, this.channels / group, kernel, kernel], 0.5);
    return this.node('Conv', [x, weight], attributes);
  }

  private conv(layer: Extract<Layer, { kind: 'conv' }>): void {
    const { outputs, kernel, stride, dilation, pads, bias } = layer;
    const span = (kernel - 1) * dilation + 1;
    const sizes = this.size.map(
      (dim, axis) => Math.floor((dim + pads[axis] + pads[axis + 2] - span) / stride) + 1,
    );
    if (sizes.some((dim) => dim < 2)) return;
    const group = { dense: 1, grouped: this.channels % 2 === 0 ? 2 : 1, depthwise: this.channels }[
      layer.group
    ];
    const moves = { strides: [stride, stride], dilations: [dilation, dilation], pads, group };
    const weight = this.noise([outputs * group, this.channels / group, kernel, kernel], 0.5);
    const offset = bias ? [this.noise([outputs * group], 0.5)] : [];
    this.last = this.node('Conv', [this.last, weight, ...offset], moves);
    this.channels = outputs * group;
    this.size = [sizes[0], sizes[1]];
  }

  private pool({ opType, kernel, stride, pad }: Extract<Layer, { kind: 'pool' }>): void {
    const sizes = this.size.map((dim) => Math.floor((dim + 2 * pad - kernel) / stride) + 1);
    if (sizes.some((dim) => dim < 2)) return;
    this.last = this.node(opType, [this.last], {
      kernel_shape: [kernel, kernel],
      strides: [stride, stride],
      pads: [pad, pad, pad, pad],
    });
    this.size = [sizes[0], sizes[1]];
  }

  private activation(opType: string): void {
    if (opType === 'Clip') {
      this.last = this.node('Clip', [this.last, this.store(scalar(0)), this.store(scalar(1.5))]);
    } else if (opType === 'Gate') {
      // max(x, x / 4) as an exporter spells out a condition.
      const positive = this.node('Greater', [this.last, this.store(scalar(0))]);
      const less = this.node('Mul', [this.last, this.store(scalar(0.25))]);
      this.last = this.node('Where', [positive, this.last, less]);
    } else {
      this.last = this.node(opType, [this.last]);
    }
  }

  private batchNorm(): void {
    const of = [this.channels];
    const parameters = [this.noise(of, 0.25, 1), this.noise(of, 0.5), this.noise(of, 0.5)];
    const variance = this.store(
      floatsOf(of, ...Array.from({ length: this.channels }, (_, i) => 0.5 + i / 4)),
    );
    const epsilon = { float: 0.1 };
    this.last = this.node('BatchNormalization', [this.last, ...parameters, variance], { epsilon });
  }

  private residual(): void {
    const x = this.last;
    this.last = this.convolve(x, this.channels, 3, { pads: [1, 1, 1, 1] });
    this.batchNorm();
    this.last = this.node('Relu', [this.node('Add', [this.last, x])]);
  }

  /** The parameter-free shortcut of ResNet on CIFAR: every second pixel, and channels of zeros. */
  private shortcut(): void {
    const sizes = this.size.map((dim) => Math.ceil(dim / 2));
    if (sizes.some((dim) => dim < 2)) return;
    const cut = [ints(0, 0), ints(99, 99), ints(2, 3), ints(2, 2)].map((tensor) => this.store(tensor));
    const sliced = this.node('Slice', [this.last, ...cut]);
    const padded = this.node('Pad', [sliced, this.store(ints(0, 1, 0, 0, 0, 1, 0, 0))]);
    const moved = this.convolve(this.last, this.channels + 2, 3, { pads: [1, 1, 1, 1], strides: [2, 2] });
    this.channels += 2;
    this.size = [sizes[0], sizes[1]];
    this.last = moved;
    this.batchNorm();
    this.last = this.node('Add', [this.last, padded]);
  }

  private excite(): void {
    const pooled = this.node('GlobalAveragePool', [this.last]);
    const gate = this.node('Sigmoid', [this.convolve(pooled, this.channels, 1, {})]);
    this.last = this.node('Mul', [this.last, gate]);
  }

  private denseBlock(): void {
    const more = this.convolve(this.last, 2, 1, {});
    this.last = this.node('Concat', [this.last, more], { axis: 1 });
    this.channels += 2;
  }

  private shuffle(): void {
    if (this.channels % 2 !== 0) return;
    const wide = this.store(ints(0, 2, this.channels / 2, ...this.size));
    const split = this.node('Reshape', [this.last, wide]);
    const swapped = this.node('Transpose', [split], { perm: [0, 2, 1, 3, 4] });
    this.last = this.node('Reshape', [swapped, this.store(ints(0, this.channels, ...this.size))]);
  }

  finish(item: readonly number[]): Uint8Array {
    const pooled = this.node('GlobalAveragePool', [this.last]);
    const flat = this.node('Flatten', [pooled]);
    const weight = this.noise([this.channels, CLASSES], 1);
    const logits = this.node('Gemm', [flat, weight, this.noise([CLASSES], 0.5)]);
    return encodeModel({
      opset: 17,
      irVersion: 8,
      nodes: this.nodes,
      initializers: this.initializers,
      inputs: [{ name: 'x', type: 'float', shape: [BATCH, ...item] }],
      outputs: [{ name: logits, type: 'float', shape: [BATCH, CLASSES] }],
    });
  }
}
