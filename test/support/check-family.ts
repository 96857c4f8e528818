import '#tfjs-gradients';
import * as tf from '@tensorflow/tfjs-core';
import { readModel } from '../../converters/read.js';
import { validateModel } from '../../converters/validate.js';
import type { Engine, HostTensor, Step } from '../../src/engine/engine.js';
import type { Network } from '../../src/network/network.js';
import { lowerModel } from '../../src/network/lower.js';
import { differentiate } from '../../src/optimise/gradients.js';
import { createRandom } from '../../src/random.js';
import { isStatistic } from '../../src/student.js';
import { runModel } from '../../src/verify/run-model.js';

const BATCH = 2;

export interface FamilyCheck {
  readonly network: Network;
  /** Ours and onnxruntime's, of the same random images. */
  readonly logits: { readonly actual: HostTensor; readonly expected: HostTensor };
  /** Of the mean square of the logits, by every parameter that is no running statistic. */
  readonly gradients: Readonly<Record<string, HostTensor>>;
}

/** Imports a model and runs it, forward and backward, with batch norm's running statistics. */
export async function checkFamily(engine: Engine, path: string): Promise<FamilyCheck> {
  const model = await readModel(path);
  validateModel(model);
  const network = lowerModel(model, { batch: BATCH });
  const { shape } = network.input;
  const size = shape.reduce((product, dim) => product * dim, 1);
  const images = { shape, data: createRandom(1).gaussian(size) };
  const trained = [...network.parameters.values()].filter((parameter) => !isStatistic(parameter));

  const step: Step = (parameters, { x }) => {
    const { outputs, gradients } = differentiate((xs) => {
      const { logits } = network.forward(tf, xs, x);
      return { loss: tf.mean(tf.square(logits)), outputs: { logits } };
    }, parameters);
    const named = Object.entries(gradients).map(([name, gradient]) => [`gradient:${name}`, gradient]);
    return { state: parameters, output: { ...outputs, ...Object.fromEntries(named) } };
  };
  const state = Object.fromEntries(trained.map(({ name, data, dims }) => [name, { data, shape: dims }]));
  const compiled = await engine.compile(step, { state, input: { x: images } });
  const { logits, ...gradients } = await compiled.run({ x: images });
  await compiled.dispose();
  const expected = await runModel(path, images, { threads: 1, outputName: network.output.logits });
  return { network, logits: { actual: logits, expected }, gradients };
}
