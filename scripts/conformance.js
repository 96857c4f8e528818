// Runs tests in the layout of ONNX's backend tests (model.onnx, test_data_set_*/input_*.pb, output_*.pb) through the
// reader and the network, on the default engine: rtol 1e-3, atol 1e-5.
//
//     npm run conformance -- DIR...        DIR is one test, or a tree of them
//
// Every test that did not pass gets a line; the last line counts. Exit status 1 when any failed. A test is skipped only
// where an operator or a type is out of scope, or where it fails and scripts/conformance-skips.json says why it must.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { DfkdError } from '../dist/converters/errors.js';
import { bfloat16ToFloat32, roundTo } from '../dist/converters/half.js';
import { readModel } from '../dist/converters/read.js';
import { decodeTensor } from '../dist/converters/read-tensor.js';
import { runModel, UnsupportedError } from './support/run-model.js';

const RELATIVE = 1e-3;
const ABSOLUTE = 1e-5;

const SKIPS = JSON.parse(readFileSync(new URL('conformance-skips.json', import.meta.url), 'utf8'));

/** Folders below (and with) `folder` that hold a model. */
function findTests(folder) {
  const entries = readdirSync(folder, { withFileTypes: true });
  if (entries.some(({ name }) => name === 'model.onnx')) return [folder];
  return entries
    .filter((entry) => entry.isDirectory())
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap(({ name }) => findTests(join(folder, name)));
}

/** Tensors `kind`_0.pb, `kind`_1.pb, ... as far as there are any; `values` are the graph's inputs or outputs. */
function readTensors(folder, kind, values) {
  const tensors = [];
  for (let i = 0; existsSync(join(folder, `${kind}_${i}.pb`)); i++) {
    const tensor = decodeTensor(readFileSync(join(folder, `${kind}_${i}.pb`)));
    tensors.push(values[i]?.type === 'bfloat16' ? asBfloat16(tensor) : tensor);
  }
  return tensors;
}

/** NumPy has no bfloat16: before ONNX 1.18 such tensors were stored as the integers of their bits. */
function asBfloat16({ type, dims, data }) {
  return { type: 'bfloat16', dims, data: type === 'uint16' ? bfloat16ToFloat32(data) : data };
}

/** The first difference, in words; undefined where there is none. */
function difference(name, actual, expected) {
  if (actual.dims.join() !== expected.dims.join()) {
    return `output '${name}' has shape [${actual.dims}], not [${expected.dims}]`;
  }
  // All is computed in float32; an output of half the precision holds what that is rounded to.
  const values = isHalf(expected.type) ? roundTo(expected.type, Float32Array.from(actual.data)) : actual.data;
  for (let i = 0; i < expected.data.length; i++) {
    const [got, wanted] = [Number(values[i]), Number(expected.data[i])];
    const close = Math.abs(got - wanted) <= ABSOLUTE + RELATIVE * Math.abs(wanted);
    if (!Object.is(got, wanted) && got !== wanted && !close) {
      return `output '${name}'[${i}] is ${got}, not ${wanted}`;
    }
  }
  return undefined;
}

function isHalf(type) {
  return type === 'float16' || type === 'bfloat16';
}

/** The first difference in any of a test's data sets. */
async function runTest(folder) {
  const model = await readModel(join(folder, 'model.onnx'));
  const { inputs, outputs } = model.graph;
  const sets = readdirSync(folder).filter((name) => name.startsWith('test_data_set_'));
  if (sets.length === 0) return 'it has no test data';
  for (const set of sets.sort()) {
    const given = readTensors(join(folder, set), 'input', inputs);
    const expected = readTensors(join(folder, set), 'output', outputs);
    if (given.length !== inputs.length || expected.length !== outputs.length) {
      return `${set} has ${given.length} inputs and ${expected.length} outputs, not ${inputs.length} and ${outputs.length}`;
    }
    const actual = await runModel(model, new Map(inputs.map(({ name }, i) => [name, given[i]])));
    for (const [i, { name }] of outputs.entries()) {
      const found = difference(name, actual.get(name), expected[i]);
      if (found) return found;
    }
  }
  return undefined;
}

/** 'passed', or 'failed' or 'skipped' with the reason. */
async function outcome(folder) {
  const failed = (reason) => {
    const known = SKIPS[basename(folder)];
    return known ? ['skipped', known] : ['failed', reason];
  };
  try {
    const difference = await runTest(folder);
    return difference ? failed(difference) : ['passed'];
  } catch (error) {
    const outOfScope = error instanceof UnsupportedError || isUnreadableType(error);
    const reason = String(error.message).split('\n')[0];
    return outOfScope ? ['skipped', reason] : failed(reason);
  }
}

/** The reader refuses types, and nothing else, as unsupported. */
function isUnreadableType(error) {
  return error instanceof DfkdError && error.code === 'E_UNSUPPORTED' && /tensor/.test(error.message);
}

const folders = process.argv.slice(2);
if (folders.length === 0) {
  console.error('usage: npm run conformance -- DIR...');
  process.exit(2);
}
const missing = folders.find((folder) => !statSync(folder, { throwIfNoEntry: false })?.isDirectory());
if (missing !== undefined) {
  console.error(`conformance: there is no directory '${missing}'`);
  process.exit(2);
}
const counts = { passed: 0, failed: 0, skipped: 0 };
for (const folder of folders.flatMap(findTests)) {
  const [result, reason] = await outcome(folder);
  counts[result]++;
  if (reason) console.log(`${result} ${basename(folder)}: ${reason}`);
}
console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
process.exitCode = counts.failed > 0 ? 1 : 0;
