/** The part of a step's new state that needs no memory of its own, in a host that keeps what is not handed on. */
import type { Graph } from './graph.js';
import { ELEMENTWISE } from './passes/elementwise.js';
import { STATE } from './recorder.js';
import { follows, orderOf, usersOf } from './rewrite.js';
import { sameShape, type Value } from './value.js';

/**
 * Takes away the outputs that are state as it came: of the same entry (masks, a student that is only looked at), or of
 * another one, which is computed anew and may be written where the first one was.
 * @returns what takes another entry's old value, by name, and that other entry, whose new value goes into the memory of
 * the first; names as in the step
 */
export function handOver(graph: Graph): Map<string, string> {
  const { inputs, outputs } = graph;
  const nameOf = new Map([...inputs].map(([name, input]) => [input, name]));
  const order = orderOf(graph);
  const users = usersOf(graph);
  const isLastRead = (old: Value, next: Value): boolean =>
    sameShape(old.shape, next.shape) &&
    (users.get(old) ?? []).every((user) =>
      user === next.producer ? ELEMENTWISE.has(user.op) : follows(next, user, order),
    );
  const moved = new Map<string, string>();
  for (const [name, value] of outputs) {
    const source = nameOf.get(value);
    if (!name.startsWith(STATE) || !source?.startsWith(STATE)) continue;
    const next = outputs.get(source);
    if (source === name) outputs.delete(name);
    else if (next?.producer !== undefined && isLastRead(inputs.get(name)!, next)) {
      outputs.delete(name);
      moved.set(name.slice(STATE.length), source.slice(STATE.length));
    }
  }
  return moved;
}
