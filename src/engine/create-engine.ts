import type { Engine, EngineName, EngineOptions } from './engine.js';
import { createOnnxRuntimeEngine } from './onnxruntime/index.js';
import { createTensorFlowEngine } from './tensorflow/index.js';

const CREATE: Readonly<Record<EngineName, (options: EngineOptions) => Engine>> = {
  onnxruntime: createOnnxRuntimeEngine,
  tensorflow: createTensorFlowEngine,
};

/** Throws E_ARG where the engine's optional package is missing. */
export function createEngine({
  engine,
  ...options
}: EngineOptions & { readonly engine: EngineName }): Engine {
  return CREATE[engine](options);
}
