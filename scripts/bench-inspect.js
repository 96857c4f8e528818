// Peak memory of `onnx-dfkd inspect` on a model of one gigabyte, against the file's size.
//   npm run --silent bench:inspect
// prints {"fileBytes","peakRssBytes","ratio","seconds"}; fails when the ratio is 1.5 or more.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { encodeModel } from '../dist/converters/encode.js';

const MAIN = fileURLToPath(new URL('../dist/src/cli/main.js', import.meta.url));
const LIMIT = 1.5;
const CHANNELS = 2048;
/** Each with a weight of 16 MiB, [CHANNELS, CHANNELS, 1, 1] in float32. */
const LAYERS = 64;

const float = (dims, value) => ({
  type: 'float',
  dims,
  data: new Float32Array(dims.reduce((product, dim) => product * dim, 1)).fill(value),
});

/** 1x1 convolutions with batch norm, one after the other. Names differ in length, so that no alignment is favoured. */
function encodeLargeModel() {
  const weight = float([CHANNELS, CHANNELS, 1, 1], 1 / CHANNELS);
  const initializers = new Map([
    ['w', float([CHANNELS, 3, 1, 1], 0.1)],
    ['one', float([CHANNELS], 1)],
    ['zero', float([CHANNELS], 0)],
  ]);
  const nodes = [{ opType: 'Conv', inputs: ['input', 'w'], outputs: ['h0'] }];
  for (let i = 0; i < LAYERS; i++) {
    const name = `${'w'.repeat(i % 4)}${i}`;
    initializers.set(name, weight);
    const norm = [`c${i}`, 'one', 'zero', 'zero', 'one'];
    nodes.push({ opType: 'Conv', inputs: [`h${i}`, name], outputs: [`c${i}`] });
    nodes.push({ opType: 'BatchNormalization', inputs: norm, outputs: [`h${i + 1}`] });
  }
  nodes.push({ opType: 'GlobalAveragePool', inputs: [`h${LAYERS}`], outputs: ['pooled'] });
  nodes.push({ opType: 'Flatten', inputs: ['pooled'], outputs: ['logits'] });
  return encodeModel({
    opset: 17,
    irVersion: 8,
    nodes,
    initializers,
    inputs: [{ name: 'input', type: 'float', shape: ['batch', 3, 8, 8] }],
    outputs: [{ name: 'logits', type: 'float', shape: ['batch', CHANNELS] }],
  });
}

/** Runs the command with a hook that tells the process' own peak on file descriptor 3 when it ends. */
async function measure(path) {
  const hook =
    "import{writeSync}from'node:fs';process.on('exit',()=>writeSync(3,`${process.resourceUsage().maxRSS}`))";
  const url = `data:text/javascript,${encodeURIComponent(hook)}`;
  const start = performance.now();
  const child = spawn(process.execPath, ['--import', url, MAIN, 'inspect', path, '--json'], {
    stdio: ['ignore', 'ignore', 'inherit', 'pipe'],
  });
  let kibibytes = '';
  child.stdio[3].on('data', (text) => (kibibytes += text));
  const [status] = await once(child, 'close');
  if (status !== 0) throw new Error(`inspect ended with status ${status}`);
  return { peakRssBytes: Number(kibibytes) * 1024, seconds: (performance.now() - start) / 1000 };
}

const folder = mkdtempSync(join(tmpdir(), 'bench-inspect-'));
try {
  const path = join(folder, 'model.onnx');
  const bytes = encodeLargeModel();
  writeFileSync(path, bytes);
  const { peakRssBytes, seconds } = await measure(path);
  const ratio = peakRssBytes / bytes.length;
  console.log(JSON.stringify({ fileBytes: bytes.length, peakRssBytes, ratio, seconds }));
  if (ratio >= LIMIT) process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true });
}
