import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { createOnnxRuntimeEngine } from '../src/engine/onnxruntime/index.js';
import { compareTensors } from '../src/verify/parity.js';
import { checkFamily } from './support/check-family.js';

/** Made by scripts/make_family_fixtures.py; what its `--all DIR` writes is tested with FAMILIES=DIR. */
const FOLDER = process.env['FAMILIES'] ?? fileURLToPath(new URL('../fixtures/families/', import.meta.url));
const files = readdirSync(FOLDER).filter((file) => file.endsWith('.onnx'));

/** `mobilenet-v3-dynamo-noopt-18.onnx` */
const NAME = /^(?<family>.+?)-(?<exporter>torchscript|dynamo-noopt|dynamo)-(?<opset>\d+)\.onnx$/;

/** Families that have no batch norm in any form. */
const WITHOUT_BATCH_NORM = ['vgg', 'squeezenet', 'convnext'];

const engine = createOnnxRuntimeEngine({ threads: 1 });

test.skipIf(process.env['FAMILIES'])('every family from both exporters', () => {
  const found = files.map((file) => NAME.exec(file)!.groups!);
  const both = new Set(found.map(({ family, exporter }) => `${family} ${exporter.split('-')[0]}`));
  expect(both.size).toBe(2 * 20);
});

describe('imports, computes what onnxruntime computes, and every parameter has a gradient', () => {
  test.each(files)('%s', async (file) => {
    const { family, exporter } = NAME.exec(file)!.groups!;
    const { network, logits, gradients } = await checkFamily(engine, join(FOLDER, file));
    expect(compareTensors(logits.expected, logits.actual, { rtol: 1e-3, atol: 1e-5 })).toMatchObject({
      equal: true,
    });
    if (exporter !== 'dynamo') {
      expect(network.batchNorms.length > 0).toBe(!WITHOUT_BATCH_NORM.includes(family));
    }
    expect(Object.keys(gradients).length).toBeGreaterThan(3);
    for (const [name, { data }] of Object.entries(gradients)) {
      expect(data.every(Number.isFinite), `${name} is finite`).toBe(true);
      expect(
        data.some((value) => value !== 0),
        `${name} is not zero`,
      ).toBe(true);
    }
  });
});
