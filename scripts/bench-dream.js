// DeepInversion as a whole against a version in PyTorch (scripts/deep_inversion_pytorch.py), which moves images by Adam as the
// paper does, pixel by pixel with its moments, at the teacher's own resolution, at a rate of its own: the same teacher, loss,
// classes and number of iterations, if no other is asked for. Ours go through the resolutions of their preset, but with
// --one-resolution.
//
//   npm run --silent bench:dream -- --model FILE --preprocess NAME [--iterations 150] [--batch 256] [--count BATCH]
//     [--one-resolution] [--pytorch PYTHON] [--pytorch-iterations ITERATIONS] [--pytorch-rate 0.2] [--threads 2] [--seed 0]
//
// Prints {"ours","pytorch"}, each {"seconds","agreement","worstClass","terms"}: seconds of the iterations alone; the share
// of images in which the teacher sees the class they were made for, over all and in the class where it is lowest; the
// loss and its terms of the last batch in the end, without jitter. And "ratio", PyTorch's seconds by ours.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { readModel } from '../dist/converters/read.js';
import { createInversion } from '../dist/src/dream/inversion.js';
import { naturalNoise } from '../dist/src/dream/noise.js';
import { inversionPreset } from '../dist/src/dream/presets.js';
import { predictedClasses } from '../dist/src/dream/targets.js';
import { createEngine } from '../dist/src/engine/create-engine.js';
import { lowering } from '../dist/src/network/lower-at.js';
import { resolvePreprocessing } from '../dist/src/preprocess.js';
import { createRandom } from '../dist/src/random.js';

/** Of the paper (arXiv 1912.08795, appendix). */
const BETAS = [0.5, 0.9];
const PYTORCH = fileURLToPath(new URL('deep_inversion_pytorch.py', import.meta.url));

const { values: options } = parseArgs({
  options: {
    model: { type: 'string' },
    preprocess: { type: 'string', default: 'auto' },
    iterations: { type: 'string', default: '150' },
    batch: { type: 'string', default: '256' },
    count: { type: 'string' },
    'one-resolution': { type: 'boolean', default: false },
    pytorch: { type: 'string' },
    'pytorch-iterations': { type: 'string' },
    'pytorch-rate': { type: 'string', default: '0.2' },
    threads: { type: 'string', default: '2' },
    seed: { type: 'string', default: '0' },
  },
});
if (!options.model) {
  console.error(
    'usage: npm run bench:dream -- --model FILE --preprocess NAME [--iterations 150] [--batch 256] [--pytorch PYTHON]',
  );
  process.exit(2);
}
const iterations = Number(options.iterations);
const threads = Number(options.threads);
const random = createRandom(Number(options.seed)).split('dream');
const model = await readModel(options.model);
const preprocessing = resolvePreprocessing(options.preprocess, model);
const lower = lowering(model, {});
const preset = presetOf(inversionPreset(lower(1).input.shape));
const batch = Math.min(Number(options.batch), preset.batch);
const batches = Math.ceil(Number(options.count ?? batch) / batch);

const ours = await dreamHere();
const pytorch = options.pytorch && dreamInPyTorch(ours.targets);
const summary = ({ seconds, predictions, terms }) => ({
  seconds,
  ...agreement(ours.targets.flat(), predictions),
  terms,
});
console.log(
  JSON.stringify({
    ours: summary(ours),
    ...(pytorch && {
      pytorch: { version: pytorch.pytorch, format: pytorch.format, ...summary(pytorch) },
      ratio: pytorch.seconds / ours.seconds,
    }),
  }),
);

/** Without warm-up, which PyTorch's side has not either. */
function presetOf({ courses, ...preset }) {
  const noise = options['one-resolution'] ? { ...courses.noise, resolutions: [] } : courses.noise;
  return { ...preset, warmUp: 0, courses: { ...courses, noise } };
}

async function dreamHere() {
  let last = 0;
  let seconds = 0;
  const onProgress = ({ step }) => {
    const now = performance.now();
    // The first iteration of a batch ends what lies between two batches.
    if (step % iterations !== 1) seconds += (now - last) / 1000;
    last = now;
  };
  const engine = createEngine({ engine: 'onnxruntime', threads });
  const inversion = await createInversion(
    engine,
    lower,
    preprocessing,
    { batch, iterations, preset },
    random,
    {
      onProgress,
    },
  );
  const targets = [];
  const predictions = [];
  let terms;
  for (let index = 0; index < batches; index++) {
    const made = await inversion.dream(index);
    targets.push(made.targets);
    predictions.push(...predictedClasses(made.logits));
    ({ terms } = made);
  }
  await inversion.dispose();
  // One iteration of each batch was not timed.
  return { seconds: (seconds * iterations) / (iterations - 1), targets, predictions, terms };
}

function dreamInPyTorch(targets) {
  const folder = mkdtempSync(join(tmpdir(), 'onnx-dfkd-bench-'));
  try {
    const { shape } = lower(batch).input;
    const { weights, jitter } = preset;
    const { scale, offset, range } = preprocessing;
    const start = targets.map((_, index) => noise(shape, random.split(String(index)), range));
    const files = { settings: join(folder, 'settings.json'), start: join(folder, 'start.f32') };
    const settings = {
      batch,
      shape,
      iterations: Number(options['pytorch-iterations'] ?? iterations),
      jitter,
      learningRate: Number(options['pytorch-rate']),
      betas: BETAS,
      weights,
      scale,
      offset,
      range,
      targets,
    };
    writeFileSync(files.settings, JSON.stringify(settings));
    writeFileSync(files.start, Buffer.concat(start.map(({ buffer }) => Buffer.from(buffer))));
    const inputs = ['--model', options.model, '--settings', files.settings, '--start', files.start];
    const output = execFileSync(options.pytorch, [PYTORCH, ...inputs, '--threads', String(threads)], {
      stdio: ['ignore', 'pipe', 'inherit'],
      maxBuffer: 2 ** 26,
    });
    return JSON.parse(output);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** What our side begins with, where it is of one resolution. */
function noise(shape, stream, range) {
  const images = naturalNoise(shape, stream);
  return range ? images.map((x) => Math.min(Math.max(x, range.low), range.high)) : images;
}

function agreement(targets, predictions) {
  const right = (indices) => indices.filter((i) => predictions[i] === targets[i]).length / indices.length;
  const all = targets.map((_, i) => i);
  const classes = [...new Set(targets)];
  return {
    agreement: right(all),
    worstClass: Math.min(...classes.map((c) => right(all.filter((i) => targets[i] === c)))),
  };
}
