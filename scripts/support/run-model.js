// Evaluates any ONNX model on given inputs, as the network evaluates a classifier: constants fold, the rest is a step
// of the default engine.
import { inferGraph } from '../../dist/converters/infer-shapes.js';
import { findOperator, SUPPORTED_OPSETS, unsupportedOperators } from '../../dist/converters/ops/index.js';
import { dropDeadNodes } from '../../dist/converters/passes/drop-dead-nodes.js';
import { foldConstants } from '../../dist/converters/passes/fold-constants.js';
import { inlineFunctions } from '../../dist/converters/passes/inline-functions.js';
import { resolveIdentities } from '../../dist/converters/passes/resolve-identities.js';
import { createOnnxRuntimeEngine } from '../../dist/src/engine/onnxruntime/index.js';
import { evaluateGraph } from '../../dist/src/network/forward.js';
import * as tf from '@tensorflow/tfjs-core';

/** An operator, an opset or a type is out of scope. */
export class UnsupportedError extends Error {}

/** float32's largest number. */
const LARGEST = 3.4028234663852886e38;

const FLOATS = new Set(['float', 'double', 'float16', 'bfloat16']);
const engine = createOnnxRuntimeEngine({ threads: 1 });

/** Output tensors by name; `inputs` by name, all of them. */
export async function runModel(model, inputs) {
  const { opset } = model;
  if (opset > SUPPORTED_OPSETS[1]) throw new UnsupportedError(`opset ${opset} is not supported`);
  const whole = dropDeadNodes(resolveIdentities(inlineFunctions(model)));
  const missing = [...unsupportedOperators(whole, opset).keys()];
  if (missing.length > 0) throw new UnsupportedError(`operators not supported: ${missing.join(', ')}`);

  for (const [name, { type, data }] of inputs) {
    if (type === 'double' && data.some((x) => Number.isFinite(x) && Math.abs(x) > LARGEST)) {
      throw new UnsupportedError(
        `'${name}' is of type double, with values beyond float32, in which all is computed`,
      );
    }
  }

  const isOpen = (name) => FLOATS.has(inputs.get(name).type) && !mustBeConstant(whole, opset, name);
  const open = new Map([...inputs].filter(([name]) => isOpen(name)));
  const fixed = [...inputs].filter(([name]) => !open.has(name));
  const withInputs = { ...whole, initializers: new Map([...whole.initializers, ...fixed]) };
  const shapes = new Map([...open].map(([name, { dims }]) => [name, dims]));
  const graph = dropDeadNodes(foldConstants(withInputs, opset, shapes));
  const inference = inferGraph(graph, opset, shapes);
  const constants = new Map([...open, ...inference.constants]);
  const computed = graph.outputs.map(({ name }) => name).filter((name) => !constants.has(name));
  const results = computed.length > 0 ? await compute(graph, inference, open, computed) : new Map();
  return new Map(graph.outputs.map(({ name }) => [name, results.get(name) ?? constants.get(name)]));
}

/** Whether an operator wants to know its elements beforehand, or computes with constants alone. */
function mustBeConstant(graph, opset, name) {
  return graph.nodes.some((node) => {
    const { constantInputs, forward } = findOperator(node, opset);
    const isConstant = (position) => forward === undefined || constantInputs.includes(position);
    return node.inputs.some((input, position) => input === name && isConstant(position));
  });
}

/** Runs the nodes as one step of the engine, which takes and gives float32 only. */
async function compute(graph, inference, open, names) {
  const options = forwardOptions(inference);
  const step = (_, input) => {
    const given = new Map(Object.entries(input));
    const values = evaluateGraph(tf, graph, inference, given, options);
    return {
      state: {},
      output: Object.fromEntries(names.map((name) => [name, tf.cast(values.get(name), 'float32')])),
    };
  };
  const input = Object.fromEntries(
    [...open].map(([name, { dims, data }]) => [name, { shape: dims, data: Float32Array.from(data) }]),
  );
  const compiled = await engine.compile(step, { state: {}, input });
  try {
    const output = await compiled.run(input);
    return new Map(
      names.map((name) => [name, { dims: output[name].shape, data: output[name].data.slice() }]),
    );
  } finally {
    await compiled.dispose();
  }
}

/** A network decides for itself whether batch norm trains; here the file does. */
function forwardOptions({ operations }) {
  const norm = [...operations].find(([{ opType }]) => opType === 'BatchNormalization')?.[1].attributes;
  return { batchNorm: norm?.training_mode === 1 ? 'batch' : 'running', momentum: norm?.momentum ?? 0.9 };
}
