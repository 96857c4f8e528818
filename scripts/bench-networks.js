// Classifiers with random weights in the shapes of well-known ones, written as ONNX, for benchmarks: how long a step
// takes does not depend on what a network has learnt.
import { encodeModel } from '../dist/converters/encode.js';
import { createRandom } from '../dist/src/random.js';

/** Builds one network node by node; every method takes and returns a value { name, shape }. */
class Builder {
  nodes = [];
  initializers = new Map();
  random = createRandom(0);

  tensor(dims, data) {
    const name = `w${this.initializers.size}`;
    this.initializers.set(name, { type: 'float', dims, data });
    return name;
  }

  node(opType, inputs, shape, attributes = {}) {
    const name = `v${this.nodes.length}`;
    this.nodes.push({ opType, name: `/${opType}_${this.nodes.length}`, inputs, outputs: [name], attributes });
    return { name, shape };
  }

  /** He initialisation keeps the activations' size through the layers. */
  conv(x, outputs, kernel, stride = 1, group = 1) {
    const [batch, channels, height, width] = x.shape;
    const dims = [outputs, channels / group, kernel, kernel];
    const fanIn = dims[1] * kernel * kernel;
    const weights = this.random.gaussian(outputs * fanIn).map((weight) => weight * Math.sqrt(2 / fanIn));
    const pad = (kernel - 1) / 2;
    const size = (length) => Math.floor((length - 1) / stride) + 1;
    return this.node(
      'Conv',
      [x.name, this.tensor(dims, weights)],
      [batch, outputs, size(height), size(width)],
      {
        kernel_shape: [kernel, kernel],
        strides: [stride, stride],
        pads: [pad, pad, pad, pad],
        dilations: [1, 1],
        group,
      },
    );
  }

  batchNorm(x) {
    const channels = x.shape[1];
    const noise = (centre, spread) => this.random.gaussian(channels).map((z) => centre + spread * z);
    const parameters = [noise(1, 0.1), noise(0, 0.1), noise(0, 0.1), noise(1, 0.1).map(Math.abs)];
    return this.node(
      'BatchNormalization',
      [x.name, ...parameters.map((data) => this.tensor([channels], data))],
      x.shape,
    );
  }

  relu(x) {
    return this.node('Relu', [x.name], x.shape);
  }

  relu6(x) {
    const bound = (value) => this.tensor([], Float32Array.of(value));
    return this.node('Clip', [x.name, bound(0), bound(6)], x.shape);
  }

  add(x, y) {
    return this.node('Add', [x.name, y.name], x.shape);
  }

  maxPool(x, kernel, stride, pad = 0) {
    const [batch, channels, ...size] = x.shape;
    const pooled = size.map((length) => Math.floor((length + 2 * pad - kernel) / stride) + 1);
    return this.node('MaxPool', [x.name], [batch, channels, ...pooled], {
      kernel_shape: [kernel, kernel],
      strides: [stride, stride],
      pads: [pad, pad, pad, pad],
    });
  }

  /** Every second pixel, and channels of zeros on both sides: ResNet's shortcut without parameters. */
  shortcut(x, outputs) {
    const [batch, channels, height, width] = x.shape;
    const integers = (...values) => {
      const name = `i${this.initializers.size}`;
      this.initializers.set(name, {
        type: 'int64',
        dims: [values.length],
        data: BigInt64Array.from(values, BigInt),
      });
      return name;
    };
    const end = 2 ** 31 - 1;
    const sliced = this.node(
      'Slice',
      [x.name, integers(0, 0), integers(end, end), integers(2, 3), integers(2, 2)],
      [batch, channels, height / 2, width / 2],
    );
    const side = (outputs - channels) / 2;
    return this.node(
      'Pad',
      [sliced.name, integers(0, side, 0, 0, 0, side, 0, 0)],
      [batch, outputs, height / 2, width / 2],
    );
  }

  classifier(x, classes) {
    const [batch, channels] = x.shape;
    const pooled = this.node('GlobalAveragePool', [x.name], [batch, channels, 1, 1]);
    const flat = this.node('Flatten', [pooled.name], [batch, channels]);
    const weights = this.random.gaussian(classes * channels).map((weight) => weight / Math.sqrt(channels));
    return this.node(
      'Gemm',
      [
        flat.name,
        this.tensor([classes, channels], weights),
        this.tensor([classes], new Float32Array(classes)),
      ],
      [batch, classes],
      { transB: 1 },
    );
  }
}

const convBn = (b, x, ...shape) => b.batchNorm(b.conv(x, ...shape));

function basicBlock(b, x, width, stride, projection) {
  const inner = b.relu(convBn(b, x, width, 3, stride));
  const same = stride === 1 && x.shape[1] === width;
  const shortcut = same ? x : projection ? convBn(b, x, width, 1, stride) : b.shortcut(x, width);
  return b.relu(b.add(convBn(b, inner, width, 3), shortcut));
}

function bottleneck(b, x, width, stride) {
  const reduced = b.relu(convBn(b, x, width, 1));
  const inner = b.relu(convBn(b, reduced, width, 3, stride));
  const outer = convBn(b, inner, 4 * width, 1);
  const same = stride === 1 && x.shape[1] === 4 * width;
  return b.relu(b.add(outer, same ? x : convBn(b, x, 4 * width, 1, stride)));
}

const imageNetStem = (b, x) => b.maxPool(b.relu(convBn(b, x, 64, 7, 2)), 3, 2, 1);

/** arXiv 1512.03385. */
function resNet({ stem, block, widths, depths }) {
  return (b, x) => {
    let y = stem(b, x);
    widths.forEach((width, stage) => {
      for (let i = 0; i < depths[stage]; i++) y = block(b, y, width, stage > 0 && i === 0 ? 2 : 1);
    });
    return y;
  };
}

/** arXiv 1409.1556, configuration A, with batch norm. */
function vgg11(b, x) {
  let y = x;
  for (const width of [64, 'pool', 128, 'pool', 256, 256, 'pool', 512, 512, 'pool', 512, 512, 'pool']) {
    y = width === 'pool' ? b.maxPool(y, 2, 2) : b.relu(convBn(b, y, width, 3));
  }
  return y;
}

/** arXiv 1801.04381 at half width, with the strides used for 32 pixels. */
function mobileNetV2(b, x) {
  let y = b.relu6(convBn(b, x, 16, 3));
  const stages = [
    [1, 8, 1, 1],
    [6, 16, 2, 1],
    [6, 16, 3, 2],
    [6, 32, 4, 2],
    [6, 48, 3, 1],
    [6, 80, 3, 2],
    [6, 160, 1, 1],
  ];
  for (const [expansion, width, repeats, firstStride] of stages) {
    for (let i = 0; i < repeats; i++) {
      const stride = i === 0 ? firstStride : 1;
      const channels = y.shape[1];
      const hidden = channels * expansion;
      const wide = expansion === 1 ? y : b.relu6(convBn(b, y, hidden, 1));
      const inner = b.relu6(convBn(b, wide, hidden, 3, stride, hidden));
      const narrow = convBn(b, inner, width, 1);
      y = stride === 1 && channels === width ? b.add(narrow, y) : narrow;
    }
  }
  return b.relu6(convBn(b, y, 640, 1));
}

const smallStem = (width) => (b, x) => b.relu(convBn(b, x, width, 3));
const project = (b, x, width, stride) => basicBlock(b, x, width, stride, true);
const WIDTHS = [64, 128, 256, 512];

/** At 224 pixels with 1,000 classes, the network that dreams of ImageNet's size are measured with. */
export const RESNET_50 = resNet({
  stem: imageNetStem,
  block: bottleneck,
  widths: WIDTHS,
  depths: [3, 4, 6, 3],
});

/** The suite: name, batch, pixels, classes, and the network's body. */
export const SUITE = [
  [
    'ResNet-20',
    64,
    32,
    10,
    resNet({ stem: smallStem(16), block: basicBlock, widths: [16, 32, 64], depths: [3, 3, 3] }),
  ],
  [
    'ResNet-20',
    256,
    32,
    10,
    resNet({ stem: smallStem(16), block: basicBlock, widths: [16, 32, 64], depths: [3, 3, 3] }),
  ],
  [
    'ResNet-18, 32 pixels',
    32,
    32,
    10,
    resNet({ stem: smallStem(64), block: project, widths: WIDTHS, depths: [2, 2, 2, 2] }),
  ],
  ['VGG-11-BN', 64, 32, 10, vgg11],
  ['MobileNetV2 0.5x', 64, 32, 10, mobileNetV2],
  ['ResNet-50, 32 pixels', 16, 32, 1000, RESNET_50],
  [
    'ResNet-18, 224 pixels',
    8,
    224,
    1000,
    resNet({ stem: imageNetStem, block: project, widths: WIDTHS, depths: [2, 2, 2, 2] }),
  ],
];

/** The network as an ONNX file: input `input` [batch,3,pixels,pixels], output `logits` [batch,classes]. */
export function buildNetwork(body, pixels, classes) {
  const b = new Builder();
  const input = { name: 'input', shape: ['batch', 3, pixels, pixels] };
  b.classifier(body(b, input), classes);
  b.nodes.at(-1).outputs = ['logits'];
  return encodeModel({
    irVersion: 8,
    opset: 17,
    nodes: b.nodes,
    initializers: b.initializers,
    inputs: [{ name: 'input', type: 'float', shape: input.shape }],
    outputs: [{ name: 'logits', type: 'float', shape: ['batch', classes] }],
  });
}
