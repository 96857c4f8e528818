import type { NodeAttributes, Value } from '../value.js';
import type { BlockedLayout } from './layout.js';
import { convolveFewPixels, hasFewPixels } from './few-pixels.js';
import { suitsWinograd, winograd } from './winograd.js';

/**
 * Conv [N,C,H,W] -> [N,O,h,w], dense or depthwise.
 *
 * 1. Few inputs that are not in blocks (an image's colours): read as they are.
 * 2. Depthwise with one filter per channel.
 * 3. Dense, with a constant filter, between maps of very few pixels: few-pixels.ts.
 * 4. Dense, with a constant filter of 3 by 3 and many channels: winograd.ts.
 * 5. Dense.
 */
export function blockConvolution(
  attributes: NodeAttributes,
  [x, w, bias]: readonly (Value | undefined)[],
  shape: readonly number[],
  layout: BlockedLayout,
): Value | undefined {
  if (x === undefined || w === undefined || x.shape.length !== 4) return undefined;
  const [outputs, inputs] = w.shape;
  const operands = (input: Value, filter: Value): readonly Value[] =>
    bias === undefined ? [input, filter] : [input, filter, layout.vector(bias, outputs)];
  const convolve = (input: Value, filter: Value, group: number): Value =>
    layout.leave(
      layout.graph.op('nchwc.Conv', operands(input, filter), { ...attributes, group }, [
        shape[0],
        layout.padded(outputs),
        ...shape.slice(2),
      ]),
      outputs,
    );

  const dense = attributes['group'] === 1;
  if (dense && inputs < layout.block && !layout.isBlocked(x)) return convolve(x, layout.outputFilter(w), 1);
  if (!dense && (inputs !== 1 || outputs !== attributes['group'])) return undefined;
  const input = layout.enter(x);
  if (input === undefined) return undefined;
  if (dense && hasFewPixels(input, w, shape)) {
    const y = convolveFewPixels(attributes, input, w, bias, shape.slice(2), layout);
    return layout.leave(y, outputs);
  }
  if (dense && suitsWinograd(attributes, w, shape.slice(2))) {
    const pads = attributes['pads'] as readonly number[];
    return layout.leave(winograd(input, w, bias, pads, layout), outputs);
  }
  return dense
    ? convolve(input, layout.filter(w), 1)
    : convolve(input, layout.outputFilter(w), layout.padded(outputs));
}
