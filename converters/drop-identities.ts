import type { GraphProto } from './schema/index.js';

/**
 * Takes Identity nodes out of a decoded graph: who read their result reads what they were given. Those that give an
 * output of the graph stay. Source: https://onnx.ai/onnx/operators/onnx__Identity.html
 * @returns whether there were any
 */
export function dropIdentities(graph: GraphProto): boolean {
  const outputs = new Set((graph.output ?? []).map(({ name }) => name ?? ''));
  const sources = new Map<string, string>();
  const kept = (graph.node ?? []).filter(({ opType, domain, input, output }) => {
    const result = output?.[0] ?? '';
    const isIdentity = opType === 'Identity' && (domain ?? '').replace('ai.onnx', '') === '';
    if (!isIdentity || outputs.has(result)) return true;
    sources.set(result, input?.[0] ?? '');
    return false;
  });
  if (sources.size === 0) return false;
  const resolve = (name: string) => {
    let source = name;
    for (let next = sources.get(source); next !== undefined; next = sources.get(source)) source = next;
    // Long chains are walked once.
    if (source !== name) sources.set(name, source);
    return source;
  };
  for (const node of kept) node.input = (node.input ?? []).map(resolve);
  graph.node = kept;
  return true;
}
