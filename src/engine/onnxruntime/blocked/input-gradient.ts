/**
 * ConvTranspose, the gradient of a strided convolution with respect to its input, by phases: output rows and columns
 * that leave the same remainder when divided by the stride are computed from the same taps of the filter, as a plain
 * convolution of dy. Then the phases are interleaved. With Y + pad = s * h + ky,
 *
 *     dx[c, s*t + a] = sum over o, j of dy[o, t + q - j] * w[o, c, s*j + r],   a + pad = s*q + r.
 */
import { slice } from '../kernels/shaping.js';
import type { NodeAttributes, Value } from '../value.js';
import { interleave } from './interleave.js';
import type { BlockedLayout } from './layout.js';

/** dx [N,C,H,W] for dy [N,O,h,w] and w [O,C/group,kh,kw]; undefined where this form does not serve. */
export function blockInputGradient(
  attributes: NodeAttributes,
  inputs: readonly Value[],
  shape: readonly number[],
  layout: BlockedLayout,
): Value | undefined {
  const { graph, block } = layout;
  const [dy, w] = inputs;
  const [batch, channels, height, width] = shape;
  const group = attributes['group'] as number;
  const depthwise = group !== 1 && w.shape[1] === 1 && w.shape[0] === group;
  if (inputs.length > 2 || shape.length !== 4 || (group !== 1 && !depthwise)) return undefined;
  if ((attributes['dilations'] as readonly number[]).some((dilation) => dilation !== 1)) return undefined;
  // Few channels (an image's colours) would mostly be computed to be thrown away.
  if (channels < block) return undefined;
  const [rows, columns] = [0, 1].map((axis) =>
    phasesOf(attributes, axis, dy.shape[axis + 2], shape[axis + 2]),
  );
  if (rows === undefined || columns === undefined) return undefined;
  const input = layout.enter(dy);
  if (input === undefined) return undefined;

  const mirrored = graph.op('MirrorFilter', [w], { group }, [
    channels,
    w.shape[0] / group,
    ...w.shape.slice(2),
  ]);
  const filter = depthwise ? layout.outputFilter(mirrored) : layout.filter(mirrored);
  const filled = layout.padded(channels);
  const lines = rows.map((row) => {
    const parts = columns.map((column) =>
      onePhase(input, filter, row, column, filled, depthwise ? filled : 1, layout),
    );
    return interleave(graph, parts, [(batch * filled * row.size) / block, width, block]);
  });
  const planes = lines.map((line, i) =>
    graph.reshape(line, [(batch * filled) / block, rows[i].size, width * block]),
  );
  const whole = interleave(graph, planes, [(batch * filled) / block, height, width * block]);
  return layout.leave(graph.reshape(whole, [batch, filled, height, width]), channels);
}

/** One phase of an axis: how many elements it has, the taps of the mirrored filter, zeros before and after dy. */
interface Phase {
  readonly size: number;
  readonly start: number;
  readonly count: number;
  readonly step: number;
  readonly before: number;
  readonly after: number;
}

function phasesOf(attributes: NodeAttributes, axis: number, from: number, to: number): Phase[] | undefined {
  const of = (name: string): number => (attributes[name] as readonly number[])[axis];
  const [kernel, stride, pad] = [of('kernel_shape'), of('strides'), of('pads')];
  const phases = Array.from({ length: Math.min(stride, to) }, (_, a): Phase => {
    const remainder = (a + pad) % stride;
    const shift = Math.floor((a + pad) / stride);
    const count = Math.max(0, Math.ceil((kernel - remainder) / stride));
    const size = Math.ceil((to - a) / stride);
    const before = count - 1 - shift;
    const start = kernel - 1 - remainder - stride * (count - 1);
    return { size, start, count, step: stride, before, after: size + count - 1 - from - before };
  });
  const served = phases.every(({ count, before }) => count === 0 || before >= 0);
  return served ? phases : undefined;
}

/** [N,C,row.size,column.size], blocked. */
function onePhase(
  dy: Value,
  filter: Value,
  row: Phase,
  column: Phase,
  channels: number,
  group: number,
  { graph, block }: BlockedLayout,
): Value {
  const [batch] = dy.shape;
  const shape = [batch, channels, row.size, column.size];
  if (row.count === 0 || column.count === 0) return graph.expand(graph.scalar(0), shape);
  const [outputs, inputs, height, width] = filter.shape;
  // The taps are the third and fourth axis of a dense filter's blocks as of a depthwise one's.
  const inner = group === 1 ? block * block : block;
  const outer = (outputs * inputs) / inner;
  const taps = slice(
    graph,
    graph.reshape(filter, [outer, height, width, inner]),
    [0, row.start, column.start, 0],
    [outer, row.count, column.count, inner],
    [1, row.step, column.step, 1],
  );
  const kernel = [row.count, column.count];
  // dy may have rows beyond the last that counts: they yield rows too many.
  const [below, right] = [Math.max(0, row.after), Math.max(0, column.after)];
  const extent = [
    dy.shape[2] + row.before + below - row.count + 1,
    dy.shape[3] + column.before + right - column.count + 1,
  ];
  const y = graph.op(
    'nchwc.Conv',
    [dy, graph.reshape(taps, [outputs, inputs, ...kernel])],
    {
      kernel_shape: kernel,
      strides: [1, 1],
      dilations: [1, 1],
      pads: [row.before, column.before, below, right],
      group,
    },
    [batch, channels, ...extent],
  );
  const planes = (batch * channels) / block;
  const cut = slice(
    graph,
    graph.reshape(y, [planes, extent[0], extent[1], block]),
    [0, 0, 0, 0],
    [planes, row.size, column.size, block],
  );
  return graph.reshape(cut, shape);
}
