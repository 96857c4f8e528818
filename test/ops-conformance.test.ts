import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { encodeModel, encodeTensor } from '../converters/encode.js';
import { inferGraph } from '../converters/infer-shapes.js';
import type { Graph, Model, Tensor } from '../converters/model.js';
import { decodeModel, decodeTensor } from '../converters/read.js';
import { floatsOf } from './support/operator-cases.js';
import { expectClose } from './support/run-graph.js';

const FOLDER = new URL('../../shared/peer-tests/onnx-node/', import.meta.url);
const cases = existsSync(FOLDER) ? readdirSync(FOLDER).sort() : [];
const SCRIPT = fileURLToPath(new URL('../scripts/conformance.js', import.meta.url));

interface Run {
  readonly status: number | null;
  readonly last: string;
  /** Lines of tests that did not pass, by the test's name. */
  readonly blamed: ReadonlyMap<string, string>;
}

function conformance(folder: string): Run {
  const { status, stdout } = spawnSync(process.execPath, [SCRIPT, folder], { encoding: 'utf8' });
  const lines = stdout.trimEnd().split('\n');
  const last = lines.pop()!;
  return { status, last, blamed: new Map(lines.map((line) => [/^\w+ (\w+):/.exec(line)![1], line])) };
}

describe.skipIf(cases.length === 0)("ONNX's own operator tests (need ../shared/peer-tests)", () => {
  let run: Run;
  beforeAll(() => {
    run = conformance(fileURLToPath(FOLDER));
  }, 120_000);

  test('all pass on the default engine, none is skipped', () => {
    expect(run.blamed).toEqual(new Map());
    expect(run.last).toBe(`${cases.length} passed, 0 failed, 0 skipped`);
    expect(run.status).toBe(0);
  });

  /** Expected values are stored with four digits only. */
  const ROUNDED = /^test_averagepool_2d_ceil_last_window_starts_on_pad$/;

  test.each(cases.filter((name) => !ROUNDED.test(name)))(
    'what folds of %s has its value and type',
    (name) => {
      const folder = new URL(`${name}/`, FOLDER);
      const model = decodeModel(readFileSync(new URL('model.onnx', folder)));
      const expected = tensorsOf(folder, 'output', model.graph.outputs);
      for (const [output, tensor] of fold(model, tensorsOf(folder, 'input', model.graph.inputs))) {
        expectClose(tensor, expected.get(output)!, 1e-6, 1e-7);
        expect(tensor.type).toBe(expected.get(output)!.type);
      }
    },
  );
});

/** What an operator's `fold` makes of the inputs; nothing for operators and types that do not fold. */
function fold({ graph, opset }: Model, inputs: ReadonlyMap<string, Tensor>): Map<string, Tensor> {
  const [node] = graph.nodes;
  if (graph.nodes.length > 1) return new Map();
  const { operations } = inferGraph({ ...graph, initializers: inputs }, opset, new Map());
  const { definition, attributes, context } = operations.get(node)!;
  const results = definition.fold?.(context.constants, attributes, context) ?? [];
  return new Map(results.map((tensor, i) => [node.outputs[i], tensor]));
}

function tensorsOf(folder: URL, kind: 'input' | 'output', values: Graph['inputs']): Map<string, Tensor> {
  return new Map(
    values.map(({ name }, i) => [
      name,
      decodeTensor(readFileSync(new URL(`test_data_set_0/${kind}_${i}.pb`, folder))),
    ]),
  );
}

describe('npm run conformance', () => {
  let root: string;
  beforeAll(() => {
    root = mkdtempSync(join(tmpdir(), 'conformance-'));
  });
  afterAll(() => {
    rmSync(root, { recursive: true });
  });

  interface Example {
    readonly opType: string;
    readonly opset: number;
    readonly x: Tensor;
    readonly y: Tensor;
    readonly attributes?: Record<string, number>;
    /** A second input. */
    readonly b?: Tensor;
  }

  /** A folder with one test of an operator of x, and what the script makes of it. */
  function runExample(name: string, { opType, opset, x, y, b, attributes = {} }: Example): Run {
    const folder = join(root, name);
    const data = join(folder, 'test_data_set_0');
    mkdirSync(data, { recursive: true });
    const inputs = [x, ...(b ? [b] : [])];
    const model = encodeModel({
      opset,
      irVersion: 3,
      nodes: [{ opType, inputs: inputs.map((_, i) => `x${i}`), outputs: ['y'], attributes }],
      initializers: new Map(),
      inputs: inputs.map(({ type, dims }, i) => ({ name: `x${i}`, type, shape: dims })),
      outputs: [{ name: 'y', type: y.type, shape: y.dims }],
    });
    writeFileSync(join(folder, 'model.onnx'), model);
    inputs.forEach((input, i) => {
      writeFileSync(join(data, `input_${i}.pb`), encodeTensor(input, `x${i}`));
    });
    writeFileSync(join(data, 'output_0.pb'), encodeTensor(y, 'y'));
    return conformance(folder);
  }

  const x = floatsOf([3], -1, 0.5, 2);

  test('counts what passes', () => {
    const run = runExample('right', { opType: 'Relu', opset: 13, x, y: floatsOf([3], 0, 0.5, 2) });
    expect(run).toEqual({ status: 0, last: '1 passed, 0 failed, 0 skipped', blamed: new Map() });
  });

  test.each([
    ['value', floatsOf([3], 0, 0.5, 2.25), "failed value: output 'y'[2] is 2, not 2.25"],
    ['shape', floatsOf([1, 3], 0, 0.5, 2), "failed shape: output 'y' has shape [3], not [1,3]"],
  ])('tells the first wrong %s, and fails', (name, y, line) => {
    const run = runExample(name, { opType: 'Relu', opset: 13, x, y });
    expect(run.last).toBe('0 passed, 1 failed, 0 skipped');
    expect(run.blamed.get(name)!.slice(0, line.length)).toBe(line);
    expect(run.status).toBe(1);
  });

  test.each([
    ['operator', { opType: 'NonZero', opset: 13, x, y: x }, /operators not supported: NonZero/],
    ['opset', { opType: 'Relu', opset: 99, x, y: x }, /opset 99/],
    [
      'range',
      { opType: 'Relu', opset: 13, x: { type: 'double', dims: [1], data: Float64Array.of(1e200) }, y: x },
      /type double/,
    ],
  ] as const)('skips what is out of scope for its %s, and says so', (name, example, reason) => {
    const run = runExample(name, example);
    expect(run.last).toBe('0 passed, 0 failed, 1 skipped');
    expect(run.blamed.get(name)).toMatch(reason);
    expect(run.status).toBe(0);
  });

  // Opset 6 has attributes for what NumPy's rules decide since.
  const matrix = floatsOf([2, 3], 1, 2, 3, -1, -2, -3);
  test.each<[string, Example]>([
    [
      'add_along_rows',
      {
        opType: 'Add',
        opset: 6,
        x: matrix,
        b: floatsOf([2], 10, 20),
        attributes: { broadcast: 1, axis: 0 },
        y: floatsOf([2, 3], 11, 12, 13, 19, 18, 17),
      },
    ],
    [
      'prelu_per_channel',
      {
        opType: 'PRelu',
        opset: 6,
        x: { ...matrix, dims: [1, 2, 3] },
        b: floatsOf([2], 10, 20),
        y: floatsOf([1, 2, 3], 1, 2, 3, -20, -40, -60),
      },
    ],
  ])('opset 6: %s', (name, example) => {
    expect(runExample(name, example).last).toBe('1 passed, 0 failed, 0 skipped');
  });
});
