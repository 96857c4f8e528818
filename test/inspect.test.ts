import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { encodeModel } from '../converters/encode.js';
import type { Tensor } from '../converters/model.js';
import { inspectModel } from '../src/inspect.js';
import { openModel } from '../src/open-model.js';
import { formatInspection } from '../src/report/terminal.js';

const folder = mkdtempSync(join(tmpdir(), 'inspect-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

function floats(dims: number[], ...data: number[]): Tensor {
  return { type: 'float', dims, data: Float32Array.from(data) };
}

describe('a model whose every figure is known', () => {
  const path = join(folder, 'known.onnx');
  const nodes = [
    { opType: 'Conv', inputs: ['x', 'W'], outputs: ['c'] },
    {
      opType: 'BatchNormalization',
      name: 'bn\x1b[2J',
      inputs: ['c', 'scale', 'offset', 'mean', 'variance'],
      outputs: ['b'],
      attributes: { epsilon: { float: 0.5 } },
    },
    { opType: 'Mystery', domain: 'com.example', inputs: ['b'], outputs: ['m'] },
    { opType: '__proto__', inputs: ['m'], outputs: ['p'] },
    { opType: 'GlobalAveragePool', inputs: ['p'], outputs: ['g'] },
    { opType: 'Flatten', inputs: ['g'], outputs: ['y'] },
    { opType: 'Nonsense', inputs: ['x'], outputs: ['dead'] },
  ];
  writeFileSync(
    path,
    encodeModel({
      opset: 13,
      opsets: { 'com.example': 1 },
      irVersion: 8,
      producer: 'by hand',
      nodes,
      initializers: new Map([
        ['W', floats([2, 1, 1, 1], 1, 2)],
        ['scale', floats([2], 1, 1)],
        ['offset', floats([2], 0, 0)],
        ['mean', floats([2], -0.25, 4)],
        ['variance', floats([2], 2, 0.125)],
      ]),
      inputs: [{ name: 'x', type: 'float', shape: ['n', 1, 4, 4] }],
      outputs: [{ name: 'y', type: 'float', shape: ['n', 2] }],
    }),
  );

  test('is described to the last of them', async () => {
    const result = await inspectModel(path);
    expect(result).toMatchObject({
      opset: 13,
      irVersion: 8,
      producer: 'by hand',
      input: { name: 'x', shape: [null, 1, 4, 4] },
      output: { name: 'y', classes: 2 },
      // Weight, scale and offset; running statistics are no parameters.
      parameters: 6,
      batchNorms: [
        { channels: 2, epsilon: 0.5, mean: { min: -0.25, max: 4 }, variance: { min: 0.125, max: 2 } },
      ],
      folded: false,
    });
    expect(new Set(result.unsupported)).toEqual(new Set(['com.example.Mystery', '__proto__']));
    expect(Object.entries(result.operators)).toContainEqual(['__proto__', 1]);
    expect(Object.entries(result.operators)).toContainEqual(['Nonsense', 1]);
  });

  test('and shown without obeying its names', async () => {
    const text = formatInspection(await inspectModel(path));
    expect(text).toContain('bn\\u001b[2J');
    expect(text).not.toContain('\x1b');
  });
});

describe('folded batch norms', () => {
  const fixture = (name: string) => new URL(`../fixtures/teachers/${name}.onnx`, import.meta.url).pathname;

  test.each(['resnet8', 'mobilenetv2'])(
    '%s: how it can be told, what was lost, how to export',
    async (name) => {
      const [kept, folded] = [
        await inspectModel(fixture(`${name}-torchscript`)),
        await inspectModel(fixture(`${name}-folded`)),
      ];
      expect([kept.folded, kept.folding]).toEqual([false, null]);
      expect(folded.folded).toBe(true);
      const norms = kept.batchNorms.length;
      const channels = kept.batchNorms.reduce((sum, norm) => sum + norm.channels, 0);
      expect(folded.folding!.evidence).toContain(
        `${norms} of ${folded.operators['Conv']} convolutions have a bias`,
      );
      expect(folded.folding!.lost).toContain(`up to ${norms} batch norms (${channels} channels)`);
      // The calls are those of PyTorch's documentation, which keep batch norm.
      const text = formatInspection(folded);
      expect(text).toContain(
        'torch.onnx.export(model.eval(), args, "teacher.onnx", dynamo=True, optimize=False)',
      );
      expect(text).toContain(
        'torch.onnx.export(model.eval(), args, "teacher.onnx", dynamo=False, training=torch.onnx.TrainingMode.PRESERVE, do_constant_folding=False)',
      );
      expect(text).toContain(folded.folding!.lost);
    },
  );
});

describe('batch norms of which some were folded', () => {
  const family = (name: string) => new URL(`../fixtures/families/${name}.onnx`, import.meta.url).pathname;

  test('DenseNet by the default exporter: what is left, and what is not', async () => {
    const [kept, folded] = [
      await inspectModel(family('densenet-dynamo-noopt-18')),
      await inspectModel(family('densenet-dynamo-26')),
    ];
    expect(kept).toMatchObject({ folded: false, folding: null });
    const lost = kept.batchNorms.length - folded.batchNorms.length;
    expect(Math.min(lost, folded.batchNorms.length)).toBeGreaterThan(0);
    expect(folded.folded).toBe(false);
    expect(folded.folding!.evidence).toContain(
      `no BatchNormalization follows a convolution, and ${lost} of ${kept.operators['Conv']} convolutions`,
    );
    expect(formatInspection(folded)).toContain(folded.folding!.lost);
    const { notes } = await openModel(family('densenet-dynamo-26'));
    expect(notes.join()).toContain(folded.folding!.lost);
    expect((await openModel(family('densenet-dynamo-noopt-18'))).notes).toEqual([]);
  });

  test('no other family that kept its batch norms is taken for one', async () => {
    const names = readdirSync(family('').slice(0, -5)).filter((name) => !/-dynamo-\d/.test(name));
    for (const name of names) {
      const { batchNorms, folding } = await inspectModel(family(name.slice(0, -5)));
      if (batchNorms.length > 0) expect(folding, name).toBeNull();
    }
  });
});

const TEACHERS = new URL('../../shared/teachers/', import.meta.url);
const realTeachers = describe.skipIf(!existsSync(TEACHERS));
realTeachers('teachers trained by others (skipped without ../shared)', () => {
  // Parameters as PyTorch counts them: ResNet-20 of arXiv 1512.03385 has 0.27M, 269,722 with batch norm.
  test.each([
    ['resnet20.onnx', 269_722, 19, 19, false],
    ['resnet20-dynamo-noopt.onnx', 269_722, 19, 19, false],
    ['resnet20-training-mode.onnx', 269_722, 19, 19, false],
    // Folded: a bias per channel took the place of scale and offset.
    ['resnet20-folded.onnx', 269_722 - 688, 19, 0, true],
    ['resnet20-dynamo-default.onnx', 269_722 - 688, 19, 0, true],
  ])('%s', async (name, parameters, convolutions, norms, folded) => {
    const result = await inspectModel(new URL(name, TEACHERS).pathname);
    expect(result.operators['Conv']).toBe(convolutions);
    expect(result.batchNorms).toHaveLength(norms);
    expect(result).toMatchObject({ parameters, folded, unsupported: [], output: { classes: 10 } });
  });
});
