// Runs a few dream, distillation and statistics steps of a model on a device, in a process of its own, on the built
// product: run-steps.js <device> <model.onnx>. Prints outputs and final states as JSON.
import { readModel } from '../../dist/converters/read.js';
import { createDreamStep } from '../../dist/src/dream/dream-step.js';
import { shiftMatrix } from '../../dist/src/dream/jitter.js';
import { startMoments } from '../../dist/src/dream/scales.js';
import { scalar } from '../../dist/src/engine/host-tensor.js';
import { createOnnxRuntimeEngine } from '../../dist/src/engine/onnxruntime/index.js';
import { lowerModel } from '../../dist/src/network/lower.js';
import { resolvePreprocessing } from '../../dist/src/preprocess.js';
import { prune } from '../../dist/src/prune/prune.js';
import { createRandom } from '../../dist/src/random.js';
import { createDistilStep, distilState } from '../../dist/src/recover/distil-step.js';
import { createStatisticsStep } from '../../dist/src/recover/statistics.js';

const [device, path] = process.argv.slice(2);
const batch = 4;
const model = await readModel(path);
const network = lowerModel(model, { batch });
const student = prune(network, { sparsity: 0.5 });
const { shape } = network.input;
const size = shape.reduce((product, dim) => product * dim, 1);
const { classes } = network.output;

const noise = (seed) => ({ shape, data: createRandom(seed).gaussian(size) });
const targets = new Float32Array(batch * classes).map((_, i) => (i % (classes + 1) === 0 ? 1 : 0));
const isStatistic = ([name]) => name.startsWith('statistic:');

const steps = {
  dream: {
    step: createDreamStep(network, resolvePreprocessing('unit', model), {
      crossEntropy: 1,
      batchNorm: 1,
      totalVariation: 0.5,
      l2: 0.1,
    }),
    state: { images: noise(1), ...startMoments(shape) },
    // Adam divides by the gradient's size: where that is almost 0, rounding alone decides its sign.
    input: (i) => ({
      targets: { shape: [batch, classes], data: targets },
      learningRate: scalar(1e-5),
      rows: shiftMatrix(shape[2], i - 1),
      columns: shiftMatrix(shape[3], 2 - i, i === 1),
    }),
  },
  distil: {
    step: createDistilStep(network, { temperature: 3, features: 0.5, momentum: 0.8, trust: 0.4 }),
    state: distilState(network, student),
    input: (i) => ({ images: noise(2 + i), learningRate: scalar(0.01) }),
  },
  statistics: {
    step: createStatisticsStep(network, student),
    state: Object.fromEntries(
      Object.entries(distilState(network, student))
        .filter(isStatistic)
        .map(([name, array]) => [name.slice('statistic:'.length), array]),
    ),
    input: (i) => ({ images: noise(2 + i), share: scalar(1 / (i + 1)) }),
  },
};

const plain = (arrays) =>
  Object.fromEntries(Object.entries(arrays).map(([name, { data }]) => [name, [...data]]));
const results = {};
for (const [name, { step, state, input }] of Object.entries(steps)) {
  const compiled = await createOnnxRuntimeEngine({ device, threads: 1 }).compile(step, {
    state,
    input: input(0),
  });
  const outputs = [];
  for (let i = 0; i < 3; i++) outputs.push(plain(await compiled.run(input(i))));
  const end = plain(await compiled.readState());
  // Part of the state replaced, and the state read that the last run began with.
  const [first, array] = Object.entries(state)[0];
  await compiled.writeState({ [first]: array });
  outputs.push(plain(await compiled.run(input(3))));
  results[name] = {
    outputs,
    end,
    again: plain(await compiled.readState()),
    cause: (await compiled.diagnose()) ?? null,
  };
  await compiled.dispose();
}
process.stdout.write(JSON.stringify(results));
