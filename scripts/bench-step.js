// Times one dream step and one distillation step against the same steps in PyTorch (scripts/bench_step_pytorch.py).
//
//   npm run --silent bench:step -- --model FILE [--batch 64] [--pytorch PYTHON] [--threads 2] [--blocks 5] [--steps 10]
//     [--engine onnxruntime|tensorflow]
//
// Prints {"dream":{"ms","pytorchMs","ratio"},"distill":{...}}: median milliseconds per step, ratio = PyTorch's / ours.
// Blocks of ours and of PyTorch's alternate, so that whatever else the machine does hits both.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const PYTORCH_SCRIPT = fileURLToPath(new URL('bench_step_pytorch.py', import.meta.url));
/** Idle thread pools spin for a while after their last work; a block must not run against the other side's. */
const SETTLE_MS = 400;

const { values: options } = parseArgs({
  options: {
    model: { type: 'string' },
    batch: { type: 'string', default: '64' },
    engine: { type: 'string', default: 'onnxruntime' },
    pytorch: { type: 'string' },
    threads: { type: 'string', default: '2' },
    blocks: { type: 'string', default: '5' },
    steps: { type: 'string', default: '10' },
  },
});
if (!options.model) {
  console.error('usage: npm run bench:step -- --model FILE [--batch 64] [--pytorch PYTHON]');
  process.exit(2);
}
const [batch, threads, blocks, steps] = ['batch', 'threads', 'blocks', 'steps'].map((name) =>
  Number(options[name]),
);

const pytorch = options.pytorch && (await startPyTorch(options.pytorch));
const result = {};
for (const [kind, prepare] of Object.entries({ dream: prepareDream, distill: prepareDistill })) {
  const { step, input } = await prepare();
  await timeSteps(step, input, 3);
  const ours = [];
  const theirs = [];
  if (pytorch) await pytorch.run(kind, 3);
  for (let block = 0; block < blocks; block++) {
    await sleep(SETTLE_MS);
    ours.push(await timeSteps(step, input, steps));
    await sleep(SETTLE_MS);
    if (pytorch) theirs.push(await pytorch.run(kind, steps));
  }
  await step.dispose();
  const ms = median(ours);
  result[kind] = pytorch ? { ms, pytorchMs: median(theirs), ratio: median(theirs) / ms } : { ms };
}
pytorch?.quit();
console.log(JSON.stringify(result));

/** The dream step of the standard preset, on noise. */
async function prepareDream() {
  const { createDreamStep } = await import('../dist/src/dream/dream-step.js');
  const { shiftMatrix } = await import('../dist/src/dream/jitter.js');
  const { PRESETS } = await import('../dist/src/presets.js');
  const { engine, network, preprocessing, noise } = await setUp();
  const { shape } = network.input;
  const { classes } = network.output;
  const targets = new Float32Array(batch * classes);
  for (let i = 0; i < batch; i++) targets[i * classes + (i % classes)] = 1;
  const zeros = { shape, data: new Float32Array(noise.data.length) };
  const input = {
    targets: { shape: [batch, classes], data: targets },
    learningRate: { shape: [], data: Float32Array.of(0.05) },
    rows: shiftMatrix(shape[2], 1),
    columns: shiftMatrix(shape[3], -1, true),
  };
  const step = await engine.compile(createDreamStep(network, preprocessing, PRESETS.standard.dream.weights), {
    state: { images: noise, first: zeros, second: zeros },
    input,
  });
  return { step, input };
}

/** Teacher and pruned student on noise: KL, all gradients, SGD with momentum, masks. */
async function prepareDistill() {
  const { createDistilStep, distilState } = await import('../dist/src/recover/distil-step.js');
  const { pruneByMagnitude } = await import('../dist/src/prune/magnitude.js');
  const { engine, network, noise } = await setUp();
  const student = pruneByMagnitude(network, { sparsity: 0.75 });
  const input = { images: noise, learningRate: { shape: [], data: Float32Array.of(0.01) } };
  const step = await engine.compile(
    createDistilStep(network, student.masks, { temperature: 3, features: 0, momentum: 0.9 }),
    { state: distilState(network, student), input },
  );
  return { step, input };
}

async function setUp() {
  const { readModel } = await import('../dist/converters/read.js');
  const { createEngine } = await import('../dist/src/engine/create-engine.js');
  const { lowerModel } = await import('../dist/src/network/lower.js');
  const { resolvePreprocessing } = await import('../dist/src/preprocess.js');
  const { createRandom } = await import('../dist/src/random.js');
  const model = await readModel(options.model);
  const network = lowerModel(model, { batch });
  const { shape } = network.input;
  const size = shape.reduce((product, dim) => product * dim, 1);
  return {
    engine: createEngine({ engine: options.engine, threads }),
    network,
    preprocessing: resolvePreprocessing('imagenet', model),
    noise: { shape, data: createRandom(0).gaussian(size) },
  };
}

/** Median milliseconds of `count` steps. */
async function timeSteps(step, input, count) {
  const times = [];
  for (let i = 0; i < count; i++) {
    const start = performance.now();
    await step.run(input);
    times.push(performance.now() - start);
  }
  return median(times);
}

async function startPyTorch(python) {
  const child = spawn(
    python,
    [PYTORCH_SCRIPT, '--model', options.model, '--batch', String(batch), '--threads', String(threads)],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  );
  child.on('error', (error) => fail(error.message));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async () => {
    const { value, done } = await lines.next();
    if (done) fail('PyTorch ended early.');
    return JSON.parse(value);
  };
  await next();
  return {
    async run(kind, count) {
      child.stdin.write(`${kind} ${count}\n`);
      return (await next()).ms;
    },
    quit: () => child.stdin.end('quit\n'),
  };
}

function fail(message) {
  console.error(`bench:step: ${message}`);
  process.exit(1);
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
