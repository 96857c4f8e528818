// Times dream and distillation steps against the same steps in PyTorch (scripts/bench_step_pytorch.py).
//
//   npm run --silent bench:step -- --model FILE [--batch 64] | --suite [--only NAME]
//     [--pytorch PYTHON] [--threads 2] [--blocks 3] [--steps 7] [--kinds dream,distill]
//     [--device cpu] [--engine onnxruntime|tensorflow] [--without PASS,...] [--profile] [--growth STEPS]
//
// For one model prints {"dream":{"ms","peakBytes","compileMs","pytorchMs","pytorchPeakBytes","ratio"},"distill":{...}}:
// median milliseconds per step, ratio = PyTorch's / ours. For the suite (scripts/bench-networks.js) prints a table, and
// at the end the geometric means. --profile adds where our time goes, --without leaves passes of the compiler out,
// --growth tells how much resident memory is added from the hundredth step to the given one. --device is onnxruntime's
// (webgpu, cuda, ...); where it is not the cpu, PyTorch computes on its CUDA device.
// Each side runs in processes of its own, PyTorch in one per memory format, of which the faster counts; their blocks
// of steps alternate, so that whatever else the machine does hits all.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { SUITE, buildNetwork } from './bench-networks.js';

const WORKER = fileURLToPath(new URL('bench-step-worker.js', import.meta.url));
const PYTORCH_WORKER = fileURLToPath(new URL('bench_step_pytorch.py', import.meta.url));
const FORMATS = ['contiguous', 'channels_last'];
/** Idle thread pools spin for a while after their last work; a block must not run against the other side's. */
const SETTLE_MS = 400;
const WARM_UP = 2;

const { values: options } = parseArgs({
  options: {
    model: { type: 'string' },
    suite: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
    batch: { type: 'string', default: '64' },
    pytorch: { type: 'string' },
    threads: { type: 'string', default: '2' },
    blocks: { type: 'string', default: '3' },
    steps: { type: 'string', default: '7' },
    kinds: { type: 'string', default: 'dream,distill' },
    device: { type: 'string', default: 'cpu' },
    engine: { type: 'string', default: 'onnxruntime' },
    without: { type: 'string', default: '' },
    profile: { type: 'boolean', default: false },
    growth: { type: 'string' },
  },
});
if (!options.suite && !options.model) {
  console.error(
    'usage: npm run bench:step -- --model FILE [--batch 64] [--pytorch PYTHON] | --suite [--pytorch PYTHON]',
  );
  process.exit(2);
}
const [blocks, steps] = [Number(options.blocks), Number(options.steps)];
const kinds = options.kinds.split(',');

if (options.suite) await runSuite();
else {
  const result = {};
  for (const kind of kinds) result[kind] = await compare(options.model, Number(options.batch), kind);
  console.log(JSON.stringify(result));
}

async function runSuite() {
  const folder = mkdtempSync(join(tmpdir(), 'onnx-dfkd-bench-'));
  const ratios = Object.fromEntries(kinds.map((kind) => [kind, []]));
  console.log('| network | batch | step | ms | PyTorch ms | ratio | peak MB | PyTorch MB | compile ms |');
  console.log('| --- | ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: |');
  try {
    for (const [name, batch, pixels, classes, body] of SUITE) {
      if (!name.includes(options.only)) continue;
      const model = join(folder, 'network.onnx');
      writeFileSync(model, buildNetwork(body, pixels, classes));
      for (const kind of kinds) {
        const result = await compare(model, batch, kind);
        ratios[kind].push(result.ratio);
        const { ms, pytorchMs, ratio, peakBytes, pytorchPeakBytes, compileMs } = result;
        const cells = [ms.toFixed(1), pytorchMs?.toFixed(1), ratio?.toFixed(2), megabytes(peakBytes)];
        cells.push(megabytes(pytorchPeakBytes), compileMs.toFixed(0));
        console.log(`| ${[name, batch, kind, ...cells].join(' | ')} |`);
      }
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  if (!options.pytorch) return;
  for (const [kind, values] of Object.entries(ratios)) {
    const mean = Math.exp(values.reduce((sum, ratio) => sum + Math.log(ratio), 0) / values.length);
    console.log(`${kind}: geometric mean ${mean.toFixed(2)}, lowest ${Math.min(...values).toFixed(2)}`);
  }
}

async function compare(model, batch, kind) {
  const shared = ['--model', model, '--kind', kind, '--batch', String(batch), '--threads', options.threads];
  const own = ['--device', options.device, '--engine', options.engine, '--without', options.without];
  const pytorch = [PYTORCH_WORKER, ...shared, '--device', options.device === 'cpu' ? 'cpu' : 'cuda'];
  const ours = await startWorker(process.execPath, [WORKER, ...shared, ...own]);
  const theirs = [];
  for (const format of options.pytorch ? FORMATS : [])
    theirs.push(await startWorker(options.pytorch, [...pytorch, '--format', format]));
  const workers = [ours, ...theirs];
  for (const worker of workers) await worker.ask(`run ${WARM_UP}`);
  const answers = workers.map(() => []);
  for (let block = 0; block < blocks; block++) {
    for (const [i, worker] of workers.entries()) {
      await sleep(SETTLE_MS);
      answers[i].push(await worker.ask(`run ${steps}`));
    }
  }
  const [mine, ...formats] = answers.map((blocksOf) => ({
    ms: median(blocksOf.map(({ ms }) => ms)),
    peakBytes: blocksOf.at(-1).peakBytes,
  }));
  if (options.growth) await printGrowth(kind, ours, Number(options.growth));
  if (options.profile) printProfile(kind, await ours.ask(`profile ${steps}`));
  for (const worker of workers) worker.end();
  const best = formats.sort((a, b) => a.ms - b.ms)[0];
  return {
    ...mine,
    compileMs: ours.ready.compileMs,
    ...(best && { pytorchMs: best.ms, pytorchPeakBytes: best.peakBytes, ratio: best.ms / mine.ms }),
  };
}

async function printGrowth(kind, worker, count) {
  const settled = 100;
  const early = await worker.ask(`run ${settled}`);
  const late = await worker.ask(`run ${count - settled}`);
  const added = ((late.residentBytes - early.residentBytes) / 2 ** 20).toFixed(1);
  console.error(
    `${kind}, resident after ${settled} steps: ${megabytes(early.residentBytes)} MB; added by step ${count}: ${added} MB`,
  );
}

/** Per step: milliseconds and calls of each kind of operator. */
function printProfile(kind, { operators, betweenMs }) {
  const total = operators.reduce((sum, { ms }) => sum + ms, 0);
  console.error(
    `${kind}, ms per step in operators: ${total.toFixed(1)}; between two steps: ${betweenMs.toFixed(2)}`,
  );
  for (const { operator, calls, ms } of operators) {
    if (ms < total / 1000) continue;
    const share = `${((100 * ms) / total).toFixed(1)}%`;
    console.error(
      `  ${operator.padEnd(24)}${ms.toFixed(2).padStart(9)}${share.padStart(8)}${calls.toFixed(0).padStart(7)} calls`,
    );
  }
}

async function startWorker(command, args) {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  child.on('error', (error) => fail(error.message));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async () => {
    const { value, done } = await lines.next();
    if (done) fail(`${args[0]} ended early.`);
    return JSON.parse(value);
  };
  return {
    ready: await next(),
    ask(line) {
      child.stdin.write(`${line}\n`);
      return next();
    },
    end: () => child.stdin.end(),
  };
}

function megabytes(bytes) {
  return bytes === undefined ? undefined : (bytes / 2 ** 20).toFixed(0);
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
