import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { encodeModel, type GraphSpec } from '../converters/encode.js';
import { readModel } from '../converters/read.js';
import { onnx } from '../converters/schema/onnx.js';
import { encodeNpy } from '../src/npy.js';
import { runModel } from '../src/verify/run-model.js';
import { useCliFolder } from './support/cli-folder.js';
import { tinyTeacherSpec } from './support/tiny-teacher.js';

const cli = useCliFolder();
const PRUNE = ['--no-recover', '--sparsity', '0.5', '--preprocess', 'unit', '--json'];

function save(name: string, spec: GraphSpec): void {
  cli.write(name, encodeModel(spec));
}

function json(...args: string[]): Record<string, never> {
  const { status, stdout, stderr } = cli.run(...args);
  expect([status, stderr]).toEqual([0, expect.any(String)]);
  return JSON.parse(stdout) as Record<string, never>;
}

/** The tiny teacher with a first output that is no class scores, and class scores after it. */
function twoOutputs(): GraphSpec {
  const spec = tinyTeacherSpec();
  return {
    ...spec,
    outputs: [{ name: 'pooled', type: 'float', shape: ['batch', 16, 1, 1] }, ...spec.outputs],
  };
}

/** The tiny teacher with the shape of its input symbolic, or missing altogether. */
function openInput(kind: 'symbolic' | 'missing'): Uint8Array {
  const spec = tinyTeacherSpec();
  const bytes = encodeModel({
    ...spec,
    inputs: [{ name: 'input', type: 'float', shape: ['batch', 3, 'height', 'width'] }],
  });
  if (kind === 'symbolic') return bytes;
  const model = onnx.ModelProto.decode(bytes);
  model.graph!.input![0].type!.tensorType!.shape = null;
  return onnx.ModelProto.encode(model).finish();
}

describe('several outputs', () => {
  test('--output chooses the one with the class scores, in every command', () => {
    save('two.onnx', twoOutputs());
    expect(cli.run('two.onnx', 'no.onnx', ...PRUNE)).toMatchObject({ status: 4 });
    json('two.onnx', 'student.onnx', ...PRUNE, '--output', 'logits');
    expect(json('inspect', 'two.onnx', '--output', 'logits', '--json')).toMatchObject({
      output: { name: 'logits', classes: 4 },
      outputs: ['pooled', 'logits'],
    });
    const compare = (output: string) =>
      json('verify', 'two.onnx', 'teacher.onnx', '--output', output, '--json');
    expect(compare('logits')).toMatchObject({ maxAbsDiff: 0 });
    expect(cli.run('verify', 'two.onnx', 'teacher.onnx', '--output', 'pooled')).toMatchObject({ status: 2 });

    cli.write('x.npy', encodeNpy({ type: 'uint8', shape: [2, 3, 8, 8], data: new Uint8Array(384) }));
    cli.write('y.npy', encodeNpy({ type: 'uint8', shape: [2], data: Uint8Array.of(0, 0) }));
    const evaluate = [
      'evaluate',
      'two.onnx',
      '--images',
      'x.npy',
      '--labels',
      'y.npy',
      '--preprocess',
      'unit',
    ];
    expect(cli.run(...evaluate)).toMatchObject({ status: 4 });
    expect(json(...evaluate, '--output', 'logits', '--json')).toMatchObject({ count: 2 });
  });

  test('the first is used where none is named, which a note says; a wrong name gets the list', () => {
    const spec = twoOutputs();
    save('two.onnx', { ...spec, outputs: spec.outputs.toReversed() });
    const { status, stderr } = cli.run('two.onnx', 'student.onnx', ...PRUNE);
    expect(status).toBe(0);
    expect(stderr).toContain(
      "The model has 2 outputs; the first, 'logits', is used (--output chooses another).",
    );
    const wrong = cli.run('two.onnx', 'other.onnx', ...PRUNE, '--output', 'nope');
    expect(wrong.status).toBe(2);
    expect(wrong.stderr).toBe("onnx-dfkd: The model has no output 'nope'; it has 'logits', 'pooled'.\n");
  });
});

describe.each(['symbolic', 'missing'] as const)('an input of %s shape', (kind) => {
  test('--input-shape gives it, in every command', () => {
    cli.write('open.onnx', openInput(kind));
    const refused = cli.run('open.onnx', 'student.onnx', ...PRUNE);
    expect(refused.status).toBe(2);
    expect(refused.stderr).toMatch(/its size is open and must be given \(--input-shape 3,224,224\)/);
    json('open.onnx', 'student.onnx', ...PRUNE, '--input-shape', '3,8,8');
    json('teacher.onnx', 'same.onnx', ...PRUNE);
    // Without shapes onnxruntime fuses less, so the last digits differ.
    expect(json('verify', 'student.onnx', 'same.onnx', '--input-shape', '3,8,8', '--json')).toMatchObject({
      equal: true,
    });
    expect(json('inspect', 'open.onnx', '--input-shape', '3,8,8', '--json')).toMatchObject({
      input: { name: 'input', shape: [null, 3, 8, 8] },
      unsupported: [],
    });
    const before = cli.run('verify', 'open.onnx', 'open.onnx');
    expect([before.status, before.stderr]).toEqual([2, expect.stringContaining('--input-shape')]);
  });
});

test.each([
  ['3,9,9', /Input 'input' is \[\?, 3, 8, 8\], which \[3, 9, 9\] without the batch does not fit/],
  ['1,3,8,8', /does not fit/],
  ['3,0,8', /--input-shape must be a whole number of at least 1/],
  ['3,x,8', /--input-shape/],
])('an input shape of %s is refused', (shape, sentence) => {
  const { status, stderr } = cli.run('teacher.onnx', 'student.onnx', ...PRUNE, '--input-shape', shape);
  expect([status, stderr]).toEqual([2, expect.stringMatching(sentence)]);
});

describe('what follows the logits', () => {
  const endings: Record<string, string[]> = {
    Softmax: ['Softmax'],
    LogSoftmax: ['LogSoftmax'],
    'Softmax behind Identity': ['Softmax', 'Identity'],
    Identity: ['Identity'],
    'Softmax twice': ['Softmax', 'Softmax'],
  };

  test.each(Object.entries(endings))('%s is kept in the file and left out of training', async (_, ending) => {
    const spec = tinyTeacherSpec();
    const names = ['logits', ...ending.map((_type, i) => `end${i}`)];
    save('ending.onnx', {
      ...spec,
      nodes: [
        ...spec.nodes,
        ...ending.map((opType, i) => ({ opType, inputs: [names[i]], outputs: [names[i + 1]] })),
      ],
      outputs: [{ name: names.at(-1)!, type: 'float', shape: ['batch', 4] }],
    });
    json('ending.onnx', 'student.onnx', ...PRUNE);
    json('teacher.onnx', 'plain.onnx', ...PRUNE);
    const images = { shape: [2, 3, 8, 8], data: Float32Array.from({ length: 384 }, (_x, i) => Math.cos(i)) };
    const logits = await runModel(join(cli.path, 'plain.onnx'), images);
    const { data } = await runModel(join(cli.path, 'student.onnx'), images);
    const expected = [0, 4].flatMap((start) =>
      ending.reduce((row, opType) => apply(opType, row), [...logits.data.subarray(start, start + 4)]),
    );
    expect([...data].every((value, i) => Math.abs(value - expected[i]) < 1e-5)).toBe(true);
    const nodes = (await readModel(join(cli.path, 'student.onnx'))).graph.nodes;
    expect(nodes.slice(-ending.length).map(({ opType }) => opType)).toEqual(ending);
  });

  function apply(opType: string, row: number[]): number[] {
    const sum = row.reduce((total, x) => total + Math.exp(x), 0);
    if (opType === 'Softmax') return row.map((x) => Math.exp(x) / sum);
    return opType === 'LogSoftmax' ? row.map((x) => x - Math.log(sum)) : row;
  }
});

test('a model with a subgraph is refused by its name', () => {
  const spec = tinyTeacherSpec();
  const model = onnx.ModelProto.decode(encodeModel(spec));
  const branch = { name: 'b', node: [], output: [{ name: 'logits' }] };
  const graphs = ['then_branch', 'else_branch'].map((name) => ({
    name,
    type: onnx.AttributeProto.AttributeType.GRAPH,
    g: branch,
  }));
  model.graph!.node!.push({
    opType: 'If',
    name: 'choose',
    input: ['flat'],
    output: ['y'],
    attribute: graphs,
  });
  model.graph!.output![0].name = 'y';
  writeFileSync(join(cli.path, 'if.onnx'), onnx.ModelProto.encode(model).finish());
  for (const args of [
    ['if.onnx', 'student.onnx', ...PRUNE],
    ['verify', 'if.onnx', 'if.onnx'],
  ]) {
    const { status, stderr } = cli.run(...args);
    expect([status, stderr]).toEqual([
      4,
      expect.stringMatching(/If .*not supported|not supported: If \(1\)/),
    ]);
  }
});
