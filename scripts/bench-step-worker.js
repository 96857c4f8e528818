// Our side of `npm run bench:step`: one dream or distillation step in a process of its own.
//
//   node scripts/bench-step-worker.js --model FILE --kind dream|distill [--batch 64] [--threads 2] [--device cpu]
//     [--engine onnxruntime|tensorflow] [--without PASS,...]
//
// Prints {"ready":true,"compileMs"} when the step is compiled. Then, for each line `run N` on stdin, runs N steps and
// prints {"ms","peakBytes","residentBytes"}: median milliseconds per step, resident memory at its highest and now. The
// line `profile N` runs N steps under onnxruntime's profiler and prints {"operators":[{"operator","calls","ms"}],
// "betweenMs"}: per step the calls and milliseconds of each kind of operator, and what the JavaScript between two steps
// takes.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { InferenceSession } from 'onnxruntime-node';
import { readModel } from '../dist/converters/read.js';
import { createDreamStep } from '../dist/src/dream/dream-step.js';
import { shiftMatrix } from '../dist/src/dream/jitter.js';
import { inversionPreset } from '../dist/src/dream/presets.js';
import { startMoments } from '../dist/src/dream/scales.js';
import { createEngine } from '../dist/src/engine/create-engine.js';
import { scalar } from '../dist/src/engine/host-tensor.js';
import { createOnnxRuntimeEngine } from '../dist/src/engine/onnxruntime/index.js';
import { lowerModel } from '../dist/src/network/lower.js';
import { resolvePreprocessing } from '../dist/src/preprocess.js';
import { prune } from '../dist/src/prune/prune.js';
import { createRandom } from '../dist/src/random.js';
import { createDistilStep, distilState } from '../dist/src/recover/distil-step.js';

const { values: options } = parseArgs({
  options: {
    model: { type: 'string' },
    kind: { type: 'string' },
    batch: { type: 'string', default: '64' },
    threads: { type: 'string', default: '2' },
    device: { type: 'string', default: 'cpu' },
    engine: { type: 'string', default: 'onnxruntime' },
    without: { type: 'string', default: '' },
  },
});
const batch = Number(options.batch);
const threads = Number(options.threads);

const prepare = { dream: prepareDream, distill: prepareDistill }[options.kind];
let { compiled, input, compileMs } = await compileStep();
answer({ ready: true, compileMs });
for await (const line of createInterface({ input: process.stdin })) {
  const [command, count] = line.split(' ');
  if (command === 'run') {
    const ms = median(await timeSteps(Number(count)));
    answer({ ms, peakBytes: peakBytes(), residentBytes: process.memoryUsage.rss() });
  } else answer(await profile(Number(count)));
}
await compiled.dispose();

/** Keeps the compiled step and its input alone: the network, and where the state began, are not what a step needs. */
async function compileStep(state, profileTo) {
  const { step, example } = await prepare();
  const start = performance.now();
  const compiled = await createBenchEngine(profileTo).compile(step, { ...example, ...(state && { state }) });
  return { compiled, input: example.input, compileMs: performance.now() - start };
}

function createBenchEngine(profileTo) {
  if (options.engine !== 'onnxruntime') return createEngine({ engine: options.engine, threads });
  const withoutPasses = new Set(options.without.split(','));
  return createOnnxRuntimeEngine({ threads, device: options.device, withoutPasses, profile: profileTo });
}

/** The dream step of the teacher's family, on noise. */
async function prepareDream() {
  const { network, preprocessing, noise } = await setUp();
  const { shape } = network.input;
  const { classes } = network.output;
  const targets = new Float32Array(batch * classes);
  for (let i = 0; i < batch; i++) targets[i * classes + (i % classes)] = 1;
  const input = {
    targets: { shape: [batch, classes], data: targets },
    learningRate: scalar(0.05),
    rows: shiftMatrix(shape[2], 1),
    columns: shiftMatrix(shape[3], -1, true),
  };
  return {
    step: createDreamStep(network, preprocessing, inversionPreset(shape).weights),
    example: { state: { images: noise, ...startMoments(shape) }, input },
  };
}

/** Teacher and pruned student on noise: KL and features, all gradients, LARS, masks. */
async function prepareDistill() {
  const { network, noise } = await setUp();
  const student = prune(network, { sparsity: 0.75 });
  const input = { images: noise, learningRate: scalar(0.001) };
  return {
    step: createDistilStep(network, { temperature: 3, features: 1, momentum: 0.8, trust: 0.4 }),
    example: { state: distilState(network, student), input },
  };
}

async function setUp() {
  const model = await readModel(options.model);
  const network = lowerModel(model, { batch });
  const { shape } = network.input;
  const size = shape.reduce((product, dim) => product * dim, 1);
  return {
    network,
    preprocessing: resolvePreprocessing('imagenet', model),
    noise: { shape, data: createRandom(0).gaussian(size) },
  };
}

/** Milliseconds of each of `count` steps. */
async function timeSteps(count) {
  const times = [];
  for (let i = 0; i < count; i++) {
    const started = performance.now();
    await compiled.run(input);
    times.push(performance.now() - started);
  }
  return times;
}

async function profile(count) {
  const betweenMs = await timeBetween(count);
  const folder = mkdtempSync(join(tmpdir(), 'onnx-dfkd-profile-'));
  try {
    const state = await compiled.readState();
    await compiled.dispose();
    ({ compiled } = await compileStep(state, join(folder, 'step')));
    await timeSteps(count);
    await compiled.dispose(); // writes the profile
    const [file] = readdirSync(folder).filter((name) => name.endsWith('.json'));
    const events = JSON.parse(readFileSync(join(folder, file), 'utf8'));
    ({ compiled } = await compileStep(state));
    return { operators: byOperator(events, count), betweenMs };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function byOperator(events, count) {
  const totals = new Map();
  for (const { cat, name, dur, args } of events) {
    if (cat !== 'Node' || !name.endsWith('_kernel_time')) continue;
    const total = totals.get(args.op_name) ?? { operator: args.op_name, calls: 0, ms: 0 };
    total.calls += 1 / count;
    total.ms += dur / 1000 / count;
    totals.set(args.op_name, total);
  }
  return [...totals.values()].sort((a, b) => b.ms - a.ms);
}

/** What a step takes beyond its native run, in milliseconds; not under the profiler, which does work of its own there. */
async function timeBetween(count) {
  const { run } = InferenceSession.prototype;
  const native = [];
  InferenceSession.prototype.run = function (...args) {
    const { handler } = this;
    if (!Object.hasOwn(handler, 'run')) {
      const runNative = handler.run.bind(handler);
      handler.run = async (...given) => {
        const started = performance.now();
        const results = await runNative(...given);
        native.push(performance.now() - started);
        return results;
      };
    }
    return run.apply(this, args);
  };
  const times = await timeSteps(count);
  InferenceSession.prototype.run = run;
  return median(times.map((ms, i) => ms - native[i]));
}

function peakBytes() {
  return 1024 * process.resourceUsage().maxRSS;
}

function answer(result) {
  console.log(JSON.stringify(result));
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
