import type { Graph } from '../graph.js';
import { concat, slice } from '../kernels/shaping.js';
import type { Value } from '../value.js';

/** Parts that hold every n-th element of the middle axis of `shape`, put together; the first parts may be longer by one. */
export function interleave(graph: Graph, parts: readonly Value[], shape: readonly number[]): Value {
  if (parts.length === 1) return graph.reshape(parts[0], shape);
  const [outer, length, inner] = shape;
  const longest = Math.ceil(length / parts.length);
  const columns = parts.map((part, a) => {
    const size = Math.ceil((length - a) / parts.length);
    const column = graph.reshape(part, [outer, size, inner]);
    const none = graph.expand(graph.scalar(0), [outer, 1, inner]);
    const filled = size === longest ? column : concat(graph, [column, none], 1);
    return graph.reshape(filled, [outer, longest, 1, inner]);
  });
  const whole = graph.reshape(concat(graph, columns, 2), [outer, longest * parts.length, inner]);
  return slice(graph, whole, [0, 0, 0], shape);
}
