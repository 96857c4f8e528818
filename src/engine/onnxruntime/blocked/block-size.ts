import { encodeModel } from '../../../../converters/encode.js';
import type { OnnxRuntime } from '../runtime.js';

let known: Promise<number> | undefined;

/**
 * Channels per block of the blocked layout on this machine's processor, 0 where onnxruntime has no such layout: the
 * number that a reordering of four channels fills up to.
 */
export function blockSize(ort: OnnxRuntime): Promise<number> {
  return (known ??= measure(ort).catch(() => 0));
}

async function measure(ort: OnnxRuntime): Promise<number> {
  const [batch, channels, height, width] = [1, 4, 2, 2];
  const model = encodeModel({
    irVersion: 9,
    opset: 18,
    opsets: { 'com.microsoft.nchwc': 1 },
    nodes: [{ opType: 'ReorderInput', domain: 'com.microsoft.nchwc', inputs: ['x'], outputs: ['y'] }],
    initializers: new Map(),
    inputs: [{ name: 'x', type: 'float', shape: [batch, channels, height, width] }],
    outputs: [{ name: 'y', type: 'float', shape: ['n', 'c', 'h', 'w'] }],
  });
  const session = await ort.InferenceSession.create(model, {
    executionProviders: ['cpu'],
    logSeverityLevel: 4,
  });
  const x = new ort.Tensor('float32', new Float32Array(16), [batch, channels, height, width]);
  const { y } = await session.run({ x });
  await session.release();
  return y.dims[1] > channels ? y.dims[1] : 0;
}
