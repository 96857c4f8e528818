/**
 * The blocked layout of onnxruntime's CPU kernels ("NCHWc"): channels in blocks of `block`, the innermost axis, so that
 * [N,C,H,W] is stored as [N,C/block,H,W,block]. Its convolutions run near the machine's peak, and unlike the plain
 * ones do so with filters that change from run to run. Operators of the domain com.microsoft.nchwc, read and written
 * directly here, declare the shape [N,C,H,W] with C filled up to whole blocks; so do the Values of this folder.
 */
import type { Graph } from '../graph.js';
import { matMul } from '../kernels/reduction.js';
import { gather, pad, slice } from '../kernels/shaping.js';
import { type Value, sameShape, sizeOf } from '../value.js';

/** onnxruntime reorders channels in steps of this many. */
const REORDER_STEP = 4;

export class BlockedLayout {
  constructor(
    readonly graph: Graph,
    readonly block: number,
  ) {}

  /** Channels filled up to whole blocks. */
  padded(channels: number): number {
    return Math.ceil(channels / this.block) * this.block;
  }

  /** Whether the plain value [N,C,H,W] is the copy of a blocked one. */
  isBlocked({ producer }: Value): boolean {
    return producer?.op === 'nchwc.ReorderOutput';
  }

  /** The blocked form of a plain value [N,C,H,W]; undefined where onnxruntime cannot reorder it. */
  enter(x: Value): Value | undefined {
    if (this.isBlocked(x)) return x.producer!.inputs[0];
    const [batch, channels, height, width] = x.shape;
    const shape = [batch, this.padded(channels), height, width];
    // A single pixel is stored alike in both layouts.
    if (height * width === 1) return pad(this.graph, x, fill(x.shape, shape), 'constant');
    return channels % REORDER_STEP === 0 ? this.graph.op('nchwc.ReorderInput', [x], {}, shape) : undefined;
  }

  /** The plain value [N,channels,H,W]. Nothing is copied unless somebody reads it. */
  leave(x: Value, channels: number): Value {
    const [batch, , height, width] = x.shape;
    const shape = [batch, channels, height, width];
    return height * width === 1
      ? slice(this.graph, x, [0, 0, 0, 0], shape)
      : this.graph.op('nchwc.ReorderOutput', [x], { channels }, shape);
  }

  /** One element per channel, or per image and channel: [n,C,1,1] or [C] to [n * padded C], filled with zeros. */
  vector(x: Value, channels: number): Value {
    const rows = sizeOf(x.shape) / channels;
    const matrix = this.graph.reshape(x, [rows, channels]);
    const shape = [rows, this.padded(channels)];
    return this.graph.reshape(pad(this.graph, matrix, fill(matrix.shape, shape), 'constant'), [
      sizeOf(shape),
    ]);
  }

  /** The blocked form of a dense filter [O,I,kh,kw]: stored as [O/b,I/b,kh,kw,b inputs,b outputs]. */
  filter(w: Value): Value {
    // Turning a filter around is cheaper in blocks, and the forward convolution has them already.
    if (w.producer?.op === 'MirrorFilter') return this.mirror(this.filter(w.producer.inputs[0]));
    if (w.producer?.op === 'UnblockFilter') return w.producer.inputs[0];
    const [outputs, inputs, ...kernel] = w.shape;
    const shape = [this.padded(outputs), this.padded(inputs), ...kernel];
    return this.graph.op('BlockFilter', [w], { block: this.block }, shape);
  }

  /** The plain filter [outputs,inputs,kh,kw] of a blocked one. */
  plainFilter(w: Value, outputs: number, inputs: number): Value {
    return this.graph.op('UnblockFilter', [w], { block: this.block }, [outputs, inputs, ...w.shape.slice(2)]);
  }

  /** From a blocked filter [O,I,kh,kw] the one with inputs and outputs exchanged and the positions in reverse. */
  private mirror(w: Value): Value {
    const { graph, block } = this;
    const [outputs, inputs, height, width] = w.shape;
    const positions = height * width;
    const [rows, columns] = [outputs / block, inputs / block];
    const reversed = gather(
      graph,
      graph.reshape(w, [rows * columns, positions, block * block]),
      graph.constant(
        Int32Array.from({ length: positions }, (_, i) => positions - 1 - i),
        [positions],
        'int32',
      ),
      1,
    );
    const exchanged = graph.transpose(
      graph.reshape(reversed, [rows, columns, positions * block * block]),
      [1, 0, 2],
    );
    // Small squares are transposed five times faster by a product with the identity than by Transpose.
    const squares = graph.reshape(exchanged, [rows * columns * positions, block, block]);
    const identity = Float32Array.from({ length: block * block }, (_, i) => (i % (block + 1) === 0 ? 1 : 0));
    const turned = matMul(graph, squares, graph.constant(identity, [block, block]), true);
    return graph.reshape(turned, [inputs, outputs, height, width]);
  }

  /** A filter [O,I,kh,kw] blocked by outputs only (few inputs, or depthwise): stored as [O/b,I,kh,kw,b]. */
  outputFilter(w: Value): Value {
    const { graph, block } = this;
    const [outputs, ...rest] = w.shape;
    const shape = [this.padded(outputs), ...rest];
    const whole = pad(graph, w, fill(w.shape, shape), 'constant');
    const blocks = graph.reshape(whole, [shape[0] / block, block, sizeOf(rest)]);
    return graph.reshape(graph.transpose(blocks, [0, 2, 1]), shape);
  }

  /** What is computed on blocked values of equal shape, element by element, is computed the same way on plain ones. */
  reshaped(x: Value, shape: readonly number[]): Value {
    return sameShape(x.shape, shape) ? x : this.graph.reshape(x, shape);
  }
}

const fill = (from: readonly number[], to: readonly number[]): [number, number][] =>
  from.map((dim, axis) => [0, to[axis] - dim]);
