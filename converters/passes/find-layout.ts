import type { Graph, Node } from '../model.js';

/** The order of an image's axes. */
export type Layout = 'NCHW' | 'NHWC';

/** Operators that compute element by element, and so in any layout. */
const ELEMENTWISE: ReadonlySet<string> = new Set(['Add', 'Sub', 'Mul', 'Div', 'Cast', 'Identity', 'Clip']);

const TO_CHANNELS_FIRST = '0,3,1,2';

/**
 * The layout of the graph's images: NHWC, as in Keras, where all that is done with them, element by element at most, is
 * to bring their channels to the front, which ONNX's convolutions want.
 */
export function findLayout({ nodes, inputs }: Graph): Layout {
  const input = inputs.at(0);
  if (input === undefined || (input.shape !== null && input.shape.length !== 4)) return 'NCHW';
  const readers = findReaders(nodes);
  for (let value = input.name; ;) {
    const found = readers.get(value) ?? [];
    if (found.length > 0 && found.every(isToChannelsFirst)) return 'NHWC';
    if (found.length !== 1 || found[0].domain !== '' || !ELEMENTWISE.has(found[0].opType)) return 'NCHW';
    [value] = found[0].outputs;
  }
}

/** The nodes that read each value, by its name. */
export function findReaders(nodes: readonly Node[]): ReadonlyMap<string, readonly Node[]> {
  const readers = new Map<string, Node[]>();
  for (const node of nodes) {
    for (const name of new Set(node.inputs)) {
      const known = readers.get(name);
      if (known) known.push(node);
      else readers.set(name, [node]);
    }
  }
  return readers;
}

function isToChannelsFirst({ domain, opType, attributes }: Node): boolean {
  const perm = attributes.get('perm');
  return (
    domain === '' &&
    opType === 'Transpose' &&
    perm?.kind === 'ints' &&
    perm.value.join() === TO_CHANNELS_FIRST
  );
}
