/** The engine of TensorFlow: steps run as they are written, on the GPU where there is one that TensorFlow can use. */
import type { Engine, EngineOptions } from '../engine.js';
import { EagerStep } from './eager-step.js';
import { BACKEND, loadTensorFlow } from './load.js';

/** Throws E_ARG where @tensorflow/tfjs-node is not installed, or not built. */
export function createTensorFlowEngine({ threads }: EngineOptions = {}): Engine {
  loadTensorFlow(threads);
  return {
    name: 'tensorflow',
    compile: (step, { state }) => Promise.resolve(new EagerStep(BACKEND, step, state)),
  };
}
